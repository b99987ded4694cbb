"""How well strange users are told from others who were held out, beside simpler ways.

python -m benchmarks.anomaly --task users --data FOLDER --seeds 0,1,2

Half of the test users of a seed are made strange, and judged beside all test users as they are.
`random`: as many items, drawn uniformly. `swapped`: histories that trade items among themselves
until nothing is left of them but their lengths and how common the items are (Strona et al. 2014,
"A fast and unbiased procedure to randomize ecological binary matrices"). `mixed`: half of the
items of each of two users.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.anomaly_sets import SetError
from benchmarks.matrices import read_matrix
from models.rows import SparseRows, to_rows
from models.scoring.anomaly import mean_surprises, score_rows
from models.scoring.robust import features_of, fit_robust
from pipelines.data.interactions import Csr
from pipelines.data.splits import HeldOut, strong_generalisation
from pipelines.training.run_config import asked_run, with_options
from pipelines.training.train import train

TRADES = 20
"""Trades of each swapped history."""
Scores = dict[str, torch.Tensor]


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """AUROC and AP of each way and kind of strangeness, and Spearman's rho of scores with length,
    all means over seeds.
    """
    matrix = read_matrix(arguments.data)
    runs = [_run(strong_generalisation(matrix, s), arguments.config, s) for s in arguments.seeds]
    return {
        "task": "users",
        "config": arguments.config,
        "seeds": arguments.seeds,
        "users": runs[0]["users"],
        **{
            part: {
                name: np.mean([run[part][name] for run in runs], axis=0).round(4).tolist()
                for name in runs[0][part]
            }
            for part in ("figures", "with_length")
        },
    }


def _run(split: Any, name: str, seed: int) -> dict[str, Any]:
    config = with_options(asked_run(name), seed=seed)
    trained = train(split, config, on_progress=lambda _: None)
    usual, whole = _whole(split.validation), _whole(split.test)
    counts = torch.from_numpy(np.bincount(split.train.indices, minlength=whole.shape[1]))

    def simple(x: SparseRows) -> torch.Tensor:
        return features_of(x, counts[x.indices])

    robust = fit_robust(simple(to_rows(usual)))

    def scores(x: SparseRows) -> Scores:
        scored = score_rows(trained.network, x, trained.calibration.scale)
        return {
            "hourglass": scored.scores,
            "mean surprise": mean_surprises(x, scored.entries.values),
            "baseline": robust.errors(simple(x)).sum(dim=1),
            "length only": x.lengths.double(),
        }

    rng = np.random.default_rng(seed)
    normal = scores(to_rows(whole))
    figures = {}
    for kind, make in STRANGE.items():
        strange = scores(to_rows(make(whole, rng)))
        for way in normal:
            figures[f"{kind}, {way}"] = _quality(normal[way], strange[way])
    lengths = normal["length only"]
    with_length = {way: float(spearmanr(s, lengths).statistic) for way, s in normal.items()}
    return {"users": len(lengths), "figures": figures, "with_length": with_length}


def _quality(normal: torch.Tensor, strange: torch.Tensor) -> tuple[float, float]:
    y = np.repeat([0, 1], [len(normal), len(strange)])
    scores = torch.cat([normal, strange]).numpy()
    return float(roc_auc_score(y, scores)), float(average_precision_score(y, scores))


def _whole(users: HeldOut | None) -> Csr:
    if users is None:
        raise SetError("There are too few users to hold any out.")
    return sparse.csr_array(users.fold_in + users.held_out)


def _histories(x: Csr, rng: np.random.Generator) -> list[np.ndarray]:
    """Those of a random half of the users."""
    chosen = rng.permutation(x.shape[0])[: x.shape[0] // 2]
    return [x.indices[x.indptr[num] : x.indptr[num + 1]] for num in chosen]


def _random(x: Csr, rng: np.random.Generator) -> Csr:
    rows = [rng.choice(x.shape[1], len(row), replace=False) for row in _histories(x, rng)]
    return _matrix(rows, x.shape[1])


def _swapped(x: Csr, rng: np.random.Generator) -> Csr:
    rows = [set(row.tolist()) for row in _histories(x, rng)]
    for _ in range(TRADES * len(rows)):
        a, b = rng.choice(len(rows), 2, replace=False)
        both, n_own = rows[a] & rows[b], len(rows[a] - rows[b])
        traded = rng.permutation(sorted(rows[a] ^ rows[b])).tolist()
        rows[a], rows[b] = both | set(traded[:n_own]), both | set(traded[n_own:])
    return _matrix([np.array(sorted(row)) for row in rows], x.shape[1])


def _mixed(x: Csr, rng: np.random.Generator) -> Csr:
    rows = _histories(x, rng)
    mixed = []
    for num, row in enumerate(rows):
        first = rng.permutation(row)[: (len(row) + 1) // 2]
        other = np.setdiff1d(rows[num - 1], first)
        second = rng.permutation(other)[: len(row) - len(first)]
        mixed.append(np.concatenate([first, second]))
    return _matrix(mixed, x.shape[1])


STRANGE: dict[str, Callable[[Csr, np.random.Generator], Csr]] = {
    "random": _random,
    "swapped": _swapped,
    "mixed": _mixed,
}


def _matrix(rows: list[np.ndarray], n_items: int) -> Csr:
    offsets = np.cumsum([0, *map(len, rows)])
    item_nums = np.concatenate([np.sort(row) for row in rows])
    ones = np.ones(len(item_nums), dtype=np.float32)
    return sparse.csr_array((ones, item_nums, offsets), shape=(len(rows), n_items))


def table(figures: dict[str, Any]) -> str:
    """For people."""
    lines = [f"{figures['config']}, {figures['users']} test users, seeds {figures['seeds']}"]
    lines += [f"{'':<28}{'AUROC':>8}{'AP':>8}"]
    for name, (auroc, ap) in figures["figures"].items():
        lines.append(f"{name:<28}{auroc:>8.3f}{ap:>8.3f}")
    lines += ["", "Spearman's rho with the length of the history"]
    lines += [f"{name:<28}{rho:>8.3f}" for name, rho in figures["with_length"].items()]
    return "\n".join(lines)
