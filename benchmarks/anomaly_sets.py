"""Labelled tables for anomaly detection, and what of them is fitted on and scored. ADBench's files.

A set is an `.npz` with X (n_rows, n_features) and y (n_rows,), 1 for an anomaly.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MAX_ROWS = 10_000


@dataclass(frozen=True)
class LabelledSet:
    """A table and its labels, at most MAX_ROWS rows."""

    name: str
    x: Array
    y: Array


@dataclass(frozen=True)
class Split:
    """Rows to fit on, and rows to score with their labels."""

    train: Array
    test: Array
    y: Array


class SetError(ValueError):
    """A file or folder that cannot be used; the message says why."""


def labelled_sets(folder: Path) -> Iterator[LabelledSet]:
    """The sets of a folder, by name. Those over MAX_ROWS are cut by RandomState(0).permutation."""
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise SetError(f"{folder} has no .npz files; --data takes a folder of ADBench sets.")
    for file in files:
        yield _read(file)


def _read(file: Path) -> LabelledSet:
    with np.load(file) as arrays:
        if not {"X", "y"} <= set(arrays):
            raise SetError(f"{file.name} has no arrays X and y; it is no ADBench set.")
        x, y = arrays["X"].astype(np.float64), arrays["y"].astype(np.int64).ravel()
    if len(x) > MAX_ROWS:
        kept = np.random.RandomState(0).permutation(len(x))[:MAX_ROWS]
        x, y = x[kept], y[kept]
    if not 0 < y.sum() < len(y):
        raise SetError(f"{file.name} needs both anomalies (y = 1) and others.")
    return LabelledSet(file.stem, x, y)


def unsupervised(labelled: LabelledSet, seed: int) -> Split:
    """Fit on all rows, unlabelled, and score the same rows."""
    return Split(labelled.x, labelled.x, labelled.y)


def one_class(labelled: LabelledSet, seed: int) -> Split:
    """Fit on a random half of the normal rows; score the other half and all anomalies."""
    normals = np.random.RandomState(seed).permutation(np.flatnonzero(labelled.y == 0))
    half = len(normals) // 2
    scored = np.concatenate([normals[half:], np.flatnonzero(labelled.y == 1)])
    return Split(labelled.x[normals[:half]], labelled.x[scored], labelled.y[scored])


PROTOCOLS: dict[str, Callable[[LabelledSet, int], Split]] = {
    "unsupervised": unsupervised,
    "one-class": one_class,
}
