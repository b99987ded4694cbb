"""What feedback on the top of a ranking does to the rest of it. Not how rows are ranked at first.

A detector is fitted to a whole set without labels. The n rows that it finds strangest get their
labels, its columns are weighted anew, and the rows that nobody looked at are ranked again.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from benchmarks.anomaly_rows import columns_of
from benchmarks.anomaly_sets import LabelledSet
from models.detectors.detector import DetectorConfig
from models.detectors.fit import fit_detector
from models.detectors.reweighting import refitted

COUNTS = (5, 10, 20)
"""Rows that are looked at."""
CHANGE = 0.001
"""Average precision: a difference below this is none."""


def measure_labels(sets: Sequence[LabelledSet], seeds: Sequence[int]) -> dict[str, Any]:
    """Average precision on the rows that are not labelled, with the weights before and after.

    of_both: in how many runs there were anomalies and false alarms among those labelled, without
    which nothing changes.
    """
    by_set: dict[str, Any] = {}
    for each in sets:
        runs = [_run(each, seed) for seed in seeds]
        by_set[each.name] = {n: [run[n] for run in runs if n in run] for n in COUNTS}
        print(f"{each.name} is done", file=sys.stderr)
    return {
        "task": "labels",
        "seeds": list(seeds),
        "labels": {
            str(n): _summary([run for of in by_set.values() for run in of[n]]) for n in COUNTS
        },
        "sets": {name: {str(n): _summary(of[n]) for n in COUNTS} for name, of in by_set.items()},
    }


def labels_table(figures: dict[str, Any]) -> str:
    """The same in words: a row a set, and a row of all."""
    of = {**figures["sets"], "all": figures["labels"]}
    width = max(map(len, of))
    heads = "".join(f"{str(n) + ' labels':>22}" for n in COUNTS)
    lines = [f"labels, seeds {figures['seeds']}: average precision before -> after", ""]
    lines.append(f"{'':<{width}}{heads}")
    for name, by_count in of.items():
        told = "".join(f"{_change(by_count[str(n)]):>22}" for n in COUNTS)
        lines.append(f"{name:<{width}}{told}")
    for n, c in figures["labels"].items():
        lines.append(
            f"{n} labels: better {c['better']}, worse {c['worse']} of {c['runs']} runs; anomalies "
            f"and false alarms in {c['of_both']}; worst {c['worst']:+.3f}"
        )
    return "\n".join(lines)


def _change(cell: dict[str, Any]) -> str:
    return f"{cell['ap_before']:.3f} -> {cell['ap_after']:.3f}" if cell["runs"] else "none left"


def _run(labelled: LabelledSet, seed: int) -> dict[int, tuple[float, float, bool]]:
    """By the number of labels: average precision before and after, and whether both were there.

    Where no anomaly is left to find, there is no figure.
    """
    table = columns_of(labelled.x)
    config = DetectorConfig(regime="contaminated", calibration_share=0.0)
    generator = torch.Generator().manual_seed(seed)
    detector = fit_detector(table, config, generator=generator).detector
    columns = detector.columns(detector.preparation.prepare(table))
    order = columns.sum(dim=1).argsort(descending=True, stable=True)
    found = {}
    for n in COUNTS:
        top, rest = order[:n], order[n:]
        is_right = torch.from_numpy(labelled.y[top.numpy()] == 1)
        weights = refitted(columns[top], is_right)
        y = labelled.y[rest.numpy()]
        if not y.any():
            break
        before, after = (
            float(average_precision_score(y, (columns[rest] * w).sum(dim=1)))
            for w in (torch.ones_like(weights), weights)
        )
        found[n] = (before, after, bool(0 < is_right.sum() < n))
    return found


def _summary(runs: Sequence[tuple[float, float, bool]]) -> dict[str, float | int]:
    if not runs:
        return {"runs": 0}
    before, after, both = (np.array(values) for values in zip(*runs, strict=True))
    gains = after - before
    return {
        "ap_before": float(before.mean()),
        "ap_after": float(after.mean()),
        "better": int((gains >= CHANGE).sum()),
        "worse": int((gains <= -CHANGE).sum()),
        "worst": float(gains.min()),
        "runs": len(runs),
        "of_both": int(both.sum()),
    }
