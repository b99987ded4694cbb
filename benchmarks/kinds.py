"""Every run on interactions, on one data set, by the strong protocol: for `docs/models.md`.

python -m benchmarks.kinds --data FOLDER --seed 98765

Prints a row a run as it is done. `auto` is left out, since it takes twenty minutes to blend some
of the others (`--runs auto` measures it). `--write` also keeps the figures in `figures.json` and
writes them into the page. Not how one run is measured: that is `protocols.py`.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.figures import METRICS, Figure, keep, row_of, table_head
from benchmarks.matrices import read_matrix
from benchmarks.protocols import strong
from benchmarks.tables import show
from pipelines.errors import HourglassError
from pipelines.training.named import run_names
from pipelines.training.run_config import named_run, with_options

MOST_LEVELS = 20


def main() -> int:
    """Print the table; a run that cannot be done is named, the others go on, and the exit is 1."""
    arguments = _arguments()
    data: str = arguments.data.resolve().name
    measured: dict[str, Figure] = {}
    failed = False
    if not arguments.json:
        print(table_head())
    for name in arguments.runs or names():
        try:
            figure = measured_run(name, arguments.data, arguments.seed)
        except HourglassError as error:
            print(f"{name}: {error.detail}", file=sys.stderr)
            failed = True
            continue
        if figure is None:
            print(f"{name} learns from ratings; here are none.", file=sys.stderr)
            continue
        measured[name] = figure
        if not arguments.json:
            print(row_of(name, data, figure), flush=True)
        if arguments.write:
            keep(name, data, figure)
    if arguments.json:
        print(json.dumps({name: asdict(figure) for name, figure in measured.items()}))
    return int(failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kinds", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="anything `import` knows")
    parser.add_argument("--runs", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--seed", type=int, default=98765)
    parser.add_argument("--write", action="store_true", help="into benchmarks/ and docs/, in place")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    return parser.parse_args()


def names() -> list[str]:
    """The runs on interactions, but for those that search a blend of the others for minutes."""
    runs = map(named_run, run_names())
    return [run.name for run in runs if run.subject == "interactions" and not run.searches]


def measured_run(name: str, folder: Path, seed: int) -> Figure | None:
    """The metrics that the page shows, with standard errors and beside the plain answer.

    None of a run that learns from ratings where there are none.
    """
    config = with_options(named_run(name), seed=seed)
    if config.data.values == "rating" and not has_ratings(folder):
        return None
    measured = strong(folder, config, show)
    metrics = [metric for metric in METRICS if metric in measured.test.per_user]
    return Figure(
        kind=config.kind,
        seed=config.seed,
        metrics={metric: measured.test.mean(metric) for metric in metrics},
        se={metric: measured.test.standard_error(metric) for metric in metrics},
        plain={metric: measured.popularity.mean(metric) for metric in metrics},
        epochs=measured.epochs,
        seconds=round(measured.fit_seconds),
    )


def has_ratings(folder: Path) -> bool:
    """Whether the weights are on a scale of a few levels; play counts are not, nor are all ones."""
    return 1 < len(np.unique(read_matrix(folder, "rating").x.data)) <= MOST_LEVELS


if __name__ == "__main__":
    sys.exit(main())
