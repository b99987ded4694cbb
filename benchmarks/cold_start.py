"""How well the content tower orders items that nobody has had yet, beside plain orders.

python -m benchmarks.cold_start --data FOLDER --seed 1

A fifth of the items that somebody has is made cold: all their interactions are hidden from
everything, training, choosing and the users' histories. Then each user's cold items are ranked,
among the cold items alone, by the tower, by the popularity of their genres (of their class, for
images), and at random. What is judged is the hidden interactions of each user.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.cold_worlds import WORLDS, World, popularity_of_groups
from benchmarks.tables import gain_in_se, one_digit, show
from pipelines.content.tower import ContentTower, fit_content_tower
from pipelines.data.interactions import Csr, InteractionMatrix, batches
from pipelines.data.splits import Split, strong_generalisation
from pipelines.errors import HourglassError, InvalidInput
from pipelines.training.checkpoints import InMemory
from pipelines.training.evaluate import Array, Evaluation
from pipelines.training.fit import Fitted
from pipelines.training.fit_run import fit_run
from pipelines.training.metrics.ndcg import ndcg_at_k
from pipelines.training.metrics.recall import recall_at_k
from pipelines.training.run_config import RunConfig, named_run

COLD_SHARE = 0.2
METRICS = {"ndcg@20": ndcg_at_k, "recall@20": recall_at_k}
DEPTH, PLACES = 20, 100


def main() -> int:
    """Print the three orders; exit 1 with a reason when they cannot be had."""
    arguments = _arguments()
    try:
        config = named_run(arguments.config)
        world = WORLDS[arguments.task](arguments.data, config.data.values, arguments.seed)
        figures = measure(world, config, seed=arguments.seed)
    except HourglassError as error:
        print(error.detail, file=sys.stderr)
        return 1
    figures = {"task": arguments.task, "config": config.name, "seed": arguments.seed, **figures}
    print(json.dumps(figures) if arguments.json else _table(figures))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cold_start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="MovieLens, or Fashion-MNIST")
    parser.add_argument("--task", choices=WORLDS, default="movies")
    parser.add_argument("--config", default="denoising", help="a named run")
    parser.add_argument("--seed", type=int, default=1, help="of what is cold, and of the world")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    return parser.parse_args()


@dataclass(frozen=True)
class Parts:
    """A world with some items cold: histories without them, and who has them in truth."""

    warm: InteractionMatrix
    cold_ids: tuple[str, ...]
    hidden: Csr
    """(n_users, n_cold)"""


def part(world: World, *, seed: int) -> Parts:
    """Make a fifth of the items that somebody has cold."""
    x = world.matrix.x.tocsc()
    rng = np.random.default_rng(seed)
    had = np.flatnonzero(np.diff(x.indptr))
    cold = np.sort(rng.permutation(had)[: round(COLD_SHARE * len(had))])
    warm = np.setdiff1d(np.arange(x.shape[1]), cold)
    item_ids = world.matrix.vocabulary.item_ids
    vocabulary = world.matrix.vocabulary.select(warm.tolist())
    kept = InteractionMatrix(
        x[:, warm].tocsr(), world.matrix.user_ids, vocabulary, world.matrix.values
    )
    return Parts(kept, tuple(item_ids[num] for num in cold), x[:, cold].tocsr())


def measure(world: World, config: RunConfig, *, seed: int) -> dict[str, Any]:
    """The figures of all three orders, with paired differences in standard errors."""
    parts = part(world, seed=seed)
    split = strong_generalisation(parts.warm, config.seed)
    torch.set_num_threads(config.fit.threads)
    fitted = fit_run(split, config, checkpoints=InMemory(), on_progress=show)
    known = [world.contents[i] for i in split.vocabulary.item_ids if i in world.contents]
    tower = fit_content_tower(
        fitted.network,
        split,
        known,
        image_artifact_id=world.image_artifact_id,
        seed=config.seed,
    )
    if tower is None:
        raise InvalidInput("Nothing is known of the items: there is no content to learn from.")
    return _figures(world, parts, split, fitted, tower, seed)


def _figures(
    world: World, parts: Parts, split: Split, fitted: Fitted, tower: ContentTower, seed: int
) -> dict[str, Any]:
    columns, _ = parts.warm.vocabulary.split(split.vocabulary.item_ids)
    histories = split.weighting.weigh(parts.warm.x[:, columns].tocsr())
    judging = (np.diff(histories.indptr) > 0) & (np.diff(parts.hidden.indptr) > 0)
    histories, hidden = histories[judging], parts.hidden[judging]
    logits = _logits(fitted, histories)
    contents = [world.contents[item_id] for item_id in parts.cold_ids]
    ours = tower.tower.logits(logits[:, tower.item_nums], tower.feature_map.rows(contents))
    rng = np.random.default_rng(seed)
    ties = rng.random(hidden.shape)
    counts = np.bincount(split.train.indices, minlength=len(split.vocabulary))
    known = [world.groups[item_id] for item_id in split.vocabulary.item_ids]
    plain = popularity_of_groups([world.groups[i] for i in parts.cold_ids], known, counts)
    orders = {
        "tower": _evaluated(ours, hidden),
        "group popularity": _evaluated(plain + 1e-9 * ties, hidden),
        "random": _evaluated(ties, hidden),
    }
    return {
        "users": int(judging.sum()),
        "cold_items": len(parts.cold_ids),
        "warm_items": len(split.vocabulary),
        "orders": {name: order.summary() for name, order in orders.items()},
        "gain_in_se": {
            name: {m: gain_in_se(orders["tower"], order, m) for m in METRICS}
            for name, order in orders.items()
            if name != "tower"
        },
        "cold_share": {
            "of_interactions": hidden.nnz / (hidden.nnz + histories.nnz),
            "of_places": _share_of_places(logits, ours, histories),
        },
        "content": dict(tower.facts),
    }


def _logits(fitted: Fitted, histories: Csr) -> Array:
    with torch.inference_mode():
        parts = [fitted.network.logits(rows).float().numpy() for rows in batches(histories, 100)]
    return np.concatenate(parts)


def _evaluated(scores: Array, hidden: Csr) -> Evaluation:
    ranked = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    hits = np.take_along_axis(hidden.toarray() > 0, ranked, axis=1)
    n_hidden = np.diff(hidden.indptr)
    return Evaluation({name: metric(hits, n_hidden, DEPTH) for name, metric in METRICS.items()})


def _share_of_places(known: Array, cold: Array, histories: Csr) -> float:
    """Of the first places of lists of all items, the share that cold ones have."""
    unseen = np.where(histories.toarray() != 0, -np.inf, known)
    scores = np.concatenate([unseen, cold], axis=1)
    places = min(PLACES, scores.shape[1] - 1)
    ranked = np.argpartition(-scores, places, axis=1)[:, :places]
    return float((ranked >= known.shape[1]).mean())


def _table(figures: dict[str, Any]) -> str:
    lines = [
        f"{figures['task']}, {figures['config']}, seed {figures['seed']}: {figures['users']} users,"
        f" {figures['cold_items']} cold and {figures['warm_items']} warm items"
    ]
    lines.append(f"{'':<18}" + "".join(f"{m:>18}{'tower ahead, s.e.':>20}" for m in METRICS))
    for name, order in figures["orders"].items():
        gains = figures["gain_in_se"].get(name)
        lines.append(
            f"{name:<18}"
            + "".join(
                f"{order[m]['mean']:>9.4f} ± {order[m]['se']:.4f}"
                f"{one_digit(gains and gains[m]):>20}"
                for m in METRICS
            )
        )
    share = figures["cold_share"]
    lines.append(
        f"cold items: {share['of_interactions']:.1%} of the interactions, "
        f"{share['of_places']:.1%} of the first {PLACES} places of lists of all items"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
