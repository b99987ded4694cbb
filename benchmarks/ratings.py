"""RMSE of AutoRec on a given split of ratings, beside the biases alone.

python -m benchmarks.ratings --data FOLDER --config autorec-item

FOLDER is that of MovieLens-100K: it is trained on `u1.base` and judged on `u1.test`. A tenth of
the ratings of u1.base chooses when to stop; the users of the test fold in all of u1.base.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from pipelines.data.splits import HeldOut, Split
from pipelines.data.vocabulary import Vocabulary
from pipelines.data.weighting import learn_weighting
from pipelines.errors import HourglassError
from pipelines.training.biases import biases_scorer
from pipelines.training.checkpoints import InMemory
from pipelines.training.fit import fit
from pipelines.training.run_config import named_run, with_options
from pipelines.training.yardstick import RATINGS

Array = np.ndarray[Any, Any]
VALIDATION_SHARE = 0.1


def main() -> int:
    """Print the figures of one run; exit 1 with a reason when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratings", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with u1.base and u1.test")
    parser.add_argument("--config", default="autorec-item", help="a named run of kind rating")
    parser.add_argument("--seed", type=int, help="default: the run's own")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    arguments = parser.parse_args()
    try:
        figures = measure(arguments.data, arguments.config, arguments.seed)
    except (HourglassError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(figures) if arguments.json else _table(figures))
    return 0


def measure(folder: Path, name: str, seed: int | None) -> dict[str, Any]:
    """Fit the run on u1.base; RMSE over all ratings of u1.test."""
    config = with_options(named_run(name), seed=seed)
    split, test = read_split(folder, config.seed)
    started = time.perf_counter()
    fitted = fit(split, config, checkpoints=InMemory(), on_progress=lambda _: None)
    seconds = time.perf_counter() - started
    biases = biases_scorer(test.fold_in)
    return {
        "config": config.name,
        "seed": config.seed,
        "rmse": -RATINGS.worth(RATINGS.scorer(fitted.network), test),
        "biases_rmse": -RATINGS.worth(biases, test),
        "validation_rmse": -max(epoch.metric or -np.inf for epoch in fitted.epochs),
        "epochs": len(fitted.epochs),
        "fit_seconds": seconds,
    }


def read_split(folder: Path, seed: int) -> tuple[Split, HeldOut]:
    """Training and validation ratings, both of u1.base; and the users of the test."""
    base, test = (_triples(folder / name) for name in ("u1.base", "u1.test"))
    n_users, n_items = (int(max(base[:, c].max(), test[:, c].max())) for c in (0, 1))
    chosen = np.random.default_rng(seed).random(len(base)) < VALIDATION_SHARE
    train, validation, whole, held_out = (
        _matrix(rows, (n_users, n_items)) for rows in (base[~chosen], base[chosen], base, test)
    )
    vocabulary = Vocabulary(tuple(str(num + 1) for num in range(n_items)))
    weighting = learn_weighting("rating", train)
    split = Split(train, vocabulary, HeldOut(train, validation), None, weighting)
    return split, HeldOut(whole, held_out)


def _triples(path: Path) -> Array:
    """user, item, rating and time of each line."""
    return np.loadtxt(path, dtype=np.int64)


def _matrix(rows: Array, shape: tuple[int, int]) -> Any:
    values = rows[:, 2].astype(np.float32)
    return sparse.csr_array((values, (rows[:, 0] - 1, rows[:, 1] - 1)), shape=shape)


def _table(figures: dict[str, Any]) -> str:
    return (
        f"{figures['config']}, seed {figures['seed']}, {figures['epochs']} epochs, "
        f"{figures['fit_seconds']:.0f} s\n"
        f"RMSE {figures['rmse']:.4f}, biases alone {figures['biases_rmse']:.4f}"
    )


if __name__ == "__main__":
    sys.exit(main())
