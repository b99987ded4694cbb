"""Every named run on one data set, by the strong protocol: the figures of `docs/models.md`.

python -m benchmarks.kinds --data FOLDER --seed 98765

Prints a row a run as it is done. `--write` also keeps the figures in `figures.json` and writes them
into the page. Not how one run is measured: that is `protocols.py`.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.figures import METRICS, Figure, keep, row_of, table_head
from benchmarks.matrices import read_matrix
from benchmarks.protocols import strong
from pipelines.errors import HourglassError
from pipelines.training.run_config import RunConfig, named_run, run_names, with_options

MOST_LEVELS = 20


def main() -> int:
    """Print the table; exit 1 with a reason when a run cannot be done."""
    arguments = _arguments()
    data: str = arguments.data.resolve().name
    measured: dict[str, Figure] = {}
    if not arguments.json:
        print(table_head())
    try:
        for config in _configs(arguments.data, arguments.runs, arguments.seed):
            figure = measured[config.name] = measure(arguments.data, config)
            if not arguments.json:
                print(row_of(config.name, data, figure), flush=True)
            if arguments.write:
                keep(config.name, data, figure)
    except HourglassError as error:
        print(error.detail, file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps({name: asdict(figure) for name, figure in measured.items()}))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kinds", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="anything `import` knows")
    parser.add_argument("--runs", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--seed", type=int, default=98765)
    parser.add_argument("--write", action="store_true", help="into benchmarks/ and docs/, in place")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    return parser.parse_args()


def _configs(folder: Path, names: list[str] | None, seed: int) -> Iterator[RunConfig]:
    """The runs asked for, or all; those that learn from ratings only where there are some."""
    rates = has_ratings(folder)
    for name in names or run_names():
        config = with_options(named_run(name), seed=seed)
        if config.data.values == "rating" and not rates:
            print(f"{name} learns from ratings; here are none.", file=sys.stderr)
        else:
            yield config


def measure(folder: Path, config: RunConfig) -> Figure:
    """The metrics that the page shows, with standard errors and beside the plain answer."""
    measured = strong(folder, config, lambda _: None)
    names = [name for name in METRICS if name in measured.test.per_user]
    return Figure(
        kind=config.kind,
        seed=config.seed,
        metrics={name: measured.test.mean(name) for name in names},
        se={name: measured.test.standard_error(name) for name in names},
        plain={name: measured.popularity.mean(name) for name in names},
        epochs=measured.epochs,
        seconds=round(measured.fit_seconds),
    )


def has_ratings(folder: Path) -> bool:
    """Whether the weights are on a scale of a few levels; play counts are not, nor are all ones."""
    return 1 < len(np.unique(read_matrix(folder, "rating").x.data)) <= MOST_LEVELS


if __name__ == "__main__":
    sys.exit(main())
