"""How well strange rows are found, beside scikit-learn and PyOD, in one process on the same splits.

python -m benchmarks.anomaly --task rows --data FOLDER --protocol one-class --seeds 0,1,2 --json

FOLDER holds ADBench sets (.npz with X and y). Peers whose package is absent are skipped by name;
`make peers` installs them. A detector that leaves a row of some set without a score has
failed: it is named with the set, and not compared. The figures at the top of the document are
Hourglass's. `--task labels` measures instead what labels on the strangest rows do to the rest,
`--task users` how strange users are told (FOLDER: anything `import` knows).
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks import anomaly_users
from benchmarks.anomaly_labels import labels_table, measure_labels
from benchmarks.anomaly_peers import PEERS, Detector, missing_package
from benchmarks.anomaly_rows import OURS
from benchmarks.anomaly_sets import PROTOCOLS, LabelledSet, SetError, labelled_sets
from benchmarks.anomaly_table import Measured, compared, table

DETECTORS: dict[str, Detector] = {**OURS, **PEERS}


class NotScoredError(ValueError):
    """A detector gave some row no score; the message says how many."""


def main() -> int:
    """Print the figures; exit 1 with a reason when the data cannot be used."""
    arguments = _arguments()
    torch.set_num_threads(1)
    if arguments.task == "labels":
        return _labels(arguments)
    if arguments.task == "users":
        return anomaly_users.show(arguments)
    names = arguments.detectors or list(DETECTORS)
    skipped = {name: package for name in names if (package := missing_package(name))}
    for name, package in skipped.items():
        print(f"{name} is skipped: {package} is not installed (make peers).", file=sys.stderr)
    names = [name for name in names if name not in skipped]
    try:
        sets = list(labelled_sets(arguments.data))
        measured = [_measure(each, names, arguments) for each in sets]
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


def _labels(arguments: argparse.Namespace) -> int:
    """The same of feedback: see anomaly_labels.py."""
    try:
        figures = measure_labels(list(labelled_sets(arguments.data)), arguments.seeds)
    except SetError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(figures) if arguments.json else labels_table(figures))
    return 0


def _measure(labelled: LabelledSet, names: list[str], arguments: argparse.Namespace) -> Measured:
    """Every detector on one set, in turn and seed by seed; one that failed has no figures."""
    measured = Measured(labelled.name)
    for name in names:
        try:
            runs = [_run(name, labelled, seed, arguments.protocol) for seed in arguments.seeds]
        except NotScoredError as error:
            print(f"{labelled.name} {name} failed: {error}", file=sys.stderr)
            continue
        auroc, ap, seconds = np.mean(runs, axis=0).tolist()
        measured.add(name, auroc=auroc, ap=ap, seconds=seconds)
        print(f"{labelled.name} {name} {auroc:.3f} {ap:.3f} {seconds:.2f} s", file=sys.stderr)
    return measured


def _run(name: str, labelled: LabelledSet, seed: int, protocol: str) -> tuple[float, float, float]:
    """AUROC, average precision, and seconds to fit and score."""
    split = PROTOCOLS[protocol](labelled, seed)
    began = time.perf_counter()
    scores = DETECTORS[name](split, seed)
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
    parser.add_argument("--task", choices=["rows", "labels", "users"], default="rows")
    parser.add_argument("--data", type=Path, required=True, help="a folder of ADBench sets")
    parser.add_argument("--config", default="denoising", help="users: the run that is trained")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="unsupervised")
    parser.add_argument("--seeds", type=_seeds, default=[0, 1, 2], help="default: 0,1,2")
    parser.add_argument(
        "--detectors", type=_names, help=f"some of {', '.join(DETECTORS)}; default: all"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    return parser.parse_args()


def _seeds(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in DETECTORS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
