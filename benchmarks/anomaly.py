"""How well what is strange is found, beside scikit-learn and PyOD, in one process, the same splits.

python -m benchmarks.anomaly --task rows --data FOLDER --protocol one-class --seeds 0,1,2 --json
python -m benchmarks.anomaly --task images --data FASHION_MNIST --seeds 0 --json
python -m benchmarks.anomaly --task windows --seeds 0,1,2 --json

rows: FOLDER holds ADBench sets (.npz with X and y). images: each class of Fashion-MNIST in turn is
the usual one. windows: made-up series, no data. Peers whose package is absent are skipped by name;
`make peers` installs them. A detector that leaves a row of some set without a score has
failed: it is named with the set, and not compared. The figures at the top of the document are
Hourglass's. `--task labels` measures instead what labels on the strangest rows do to the rest,
`--task users` how strange users are told (FOLDER: anything `import` knows).

`--task shilling` looks for fake profiles: attacks injected into ratings that `hourglass import`
knows, or profiles labelled in a folder. `--task filter` trains among them, with and without.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks import anomaly_users
from benchmarks.anomaly_labels import labels_table, measure_labels
from benchmarks.anomaly_peers import Detector, missing_package
from benchmarks.anomaly_sets import PROTOCOLS, SetError, labelled_sets
from benchmarks.anomaly_table import Measured, compared, table
from benchmarks.anomaly_tasks import TASKS, Case
from benchmarks.arguments import seeds
from benchmarks.shilling import measure_shilling, shilling_table
from benchmarks.shilling_filter import filter_table, measure_filter
from benchmarks.shilling_sets import INJECTED
from pipelines.errors import HourglassError


class NotScoredError(ValueError):
    """A detector gave some row no score; the message says how many."""


def main() -> int:
    """Print the figures; exit 1 with a reason when the data cannot be used."""
    arguments = _arguments()
    torch.set_num_threads(1)
    if arguments.task in APART:
        return APART[arguments.task](arguments)
    task = TASKS[arguments.task]
    names = arguments.detectors or list(task.detectors)
    skipped = {name: package for name in names if (package := missing_package(name))}
    for name, package in skipped.items():
        print(f"{name} is skipped: {package} is not installed (make peers).", file=sys.stderr)
    names = [name for name in names if name not in skipped]
    try:
        chosen = {name: task.detectors[name] for name in names}
        cases = _chosen(task.cases(arguments.data, arguments.protocol), arguments.sets)
        measured = [_measure(case, chosen, arguments.seeds) for case in cases]
    except SetError as error:
        print(error, file=sys.stderr)
        return 1
    failed = {
        name: on
        for name in names
        if (on := [each.name for each in measured if name not in each.figures])
    }
    names = [name for name in names if name not in failed]
    if not names:
        print(f"No detector scored every set: {failed}.", file=sys.stderr)
        return 1
    figures = {
        "task": arguments.task,
        "protocol": arguments.protocol,
        "seeds": arguments.seeds,
        **compared(measured, names),
        "skipped": sorted(skipped),
        "failed": failed,
    }
    print(json.dumps(figures) if arguments.json else table(figures))
    return 0


def _chosen(cases: Iterable[Case], names: list[str] | None) -> Iterable[Case]:
    """The cases of these names; all, one after the other, where none is named. Raises SetError."""
    if names is None:
        return cases
    by_name = {case.name: case for case in cases}
    if unknown := [name for name in names if name not in by_name]:
        raise SetError(f"unknown sets: {', '.join(unknown)}; there are {', '.join(by_name)}")
    return [by_name[name] for name in names]


def _labels(arguments: argparse.Namespace) -> dict[str, Any]:
    return measure_labels(list(labelled_sets(arguments.data)), arguments.seeds)


def _showing(
    measure: Callable[[Any], dict[str, Any]], as_table: Callable[[dict[str, Any]], str]
) -> Callable[[argparse.Namespace], int]:
    """A task that measures all by itself, and is shown like the others."""

    def show(arguments: argparse.Namespace) -> int:
        try:
            figures = measure(arguments)
        except (SetError, HourglassError) as error:
            print(error, file=sys.stderr)
            return 1
        print(json.dumps(figures) if arguments.json else as_table(figures))
        return 0

    return show


APART: dict[str, Callable[[argparse.Namespace], int]] = {
    "labels": _showing(_labels, labels_table),
    "users": _showing(anomaly_users.measure, anomaly_users.table),
    "shilling": _showing(measure_shilling, shilling_table),
    "filter": _showing(measure_filter, filter_table),
}
"""Tasks that are not detectors on cases, and what runs them."""


def _measure(case: Case, detectors: dict[str, Detector], seeds: list[int]) -> Measured:
    """Every detector on one set, in turn and seed by seed; one that failed has no figures."""
    measured = Measured(case.name)
    for name, detector in detectors.items():
        try:
            runs = [_run(detector, case, seed) for seed in seeds]
        except NotScoredError as error:
            print(f"{case.name} {name} failed: {error}", file=sys.stderr)
            continue
        auroc, ap, seconds = np.mean(runs, axis=0).tolist()
        measured.add(name, auroc=auroc, ap=ap, seconds=seconds)
        print(f"{case.name} {name} {auroc:.3f} {ap:.3f} {seconds:.2f} s", file=sys.stderr)
    return measured


def _run(detector: Detector, case: Case, seed: int) -> tuple[float, float, float]:
    """AUROC, average precision, and seconds to fit and score."""
    split = case.split(seed)
    began = time.perf_counter()
    scores = detector(split, seed)
    seconds = time.perf_counter() - began
    if n_bad := int(np.count_nonzero(~np.isfinite(scores))):
        raise NotScoredError(f"{n_bad} of {len(scores)} scores with seed {seed} are no numbers.")
    auroc = float(roc_auc_score(split.y, scores))
    return auroc, float(average_precision_score(split.y, scores)), seconds


def _arguments() -> Any:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.anomaly",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--task", choices=[*TASKS, *APART], default="rows")
    parser.add_argument("--data", type=Path, help="a folder; windows need none")
    parser.add_argument("--config", help="what `users` (denoising), `filter` (ease) train")
    parser.add_argument("--attacks", type=_attacks, help="some of those injected; default: all")
    parser.add_argument(
        "--protocol", choices=PROTOCOLS, help="default: the first that the task has"
    )
    parser.add_argument("--seeds", type=seeds, default=[0, 1, 2], help="default: 0,1,2")
    parser.add_argument("--detectors", type=_words, help="some of the task's; default: all")
    parser.add_argument("--sets", type=_words, help="some of the sets, by name; default: all")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    arguments = parser.parse_args()
    if task := TASKS.get(arguments.task):
        arguments.protocol = arguments.protocol or task.protocols[0]
        if arguments.protocol not in task.protocols:
            parser.error(f"{arguments.task} has: {', '.join(task.protocols)}")
        if unknown := [name for name in arguments.detectors or () if name not in task.detectors]:
            parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(task.detectors)}")
    elif arguments.data is None:
        parser.error("--data is missing")
    elif arguments.sets is not None:
        parser.error(f"{arguments.task} has no sets to choose from")
    arguments.config = arguments.config or ("ease" if arguments.task == "filter" else "denoising")
    return arguments


def _attacks(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in INJECTED]:
        known = ", ".join(INJECTED)
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {known}")
    return names


def _words(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    sys.exit(main())
