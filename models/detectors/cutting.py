"""Series before they are windows: whether they can be used, and how they are cut.

A series is an array (n_time, n_columns), a row a position in time order. Not what is learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.detectors.cells import Array
from models.errors import RowsError

PIECE = 8
"""Lengths of a window in a piece that is learned from, or calibrated with, as a whole."""


@dataclass(frozen=True)
class SeriesProblem:
    """Why a series cannot be used: its number, counted from 0, and what is wrong."""

    series: int
    detail: str


def check_order(times: Sequence[float] | Array) -> None:
    """Raise RowsError where times go back, naming the first that does; equal ones may follow."""
    steps = np.diff(np.asarray(times))
    back = np.flatnonzero(~(steps >= steps.dtype.type(0)))
    if len(back):
        at = int(back[0]) + 1
        detail = f"Time {at} ({times[at]}) is before time {at - 1} ({times[at - 1]}): "
        raise RowsError(detail + "times must not go back. Sort the rows by time.")


def check_columns(series: Array, columns: Sequence[str]) -> None:
    """Raise RowsError unless the series is (n_time, n_columns)."""
    if series.ndim != 2 or series.shape[1] != len(columns) or not len(columns):
        detail = f"A series is {tuple(series.shape)}; it must be (n_time, {len(columns)}): "
        raise RowsError(detail + ", ".join(columns) + ".")


def first_problem(series: Array, columns: Sequence[str], length: int) -> str | None:
    """What keeps a series from being cut into windows of that length; None where nothing does."""
    if len(series) < length:
        return (
            f"The series has {len(series)} positions and a window takes {length}: "
            "join it to others, or fit with a shorter length."
        )
    bad = np.argwhere(~np.isfinite(np.asarray(series, dtype=np.float64)))
    if not len(bad):
        return None
    time, column = bad[0].tolist()
    return (
        f"{columns[column]} is {series[time, column]} at position {time}; it must be a finite "
        "number. Fill it, or cut the series there."
    )


def usable_series(
    many: Sequence[Array], columns: Sequence[str], length: int
) -> tuple[list[int], tuple[SeriesProblem, ...]]:
    """The numbers of the series that can be used, and the problems of the others."""
    found = [first_problem(series, columns, length) for series in many]
    problems = [SeriesProblem(num, detail) for num, detail in enumerate(found) if detail]
    return [num for num, detail in enumerate(found) if not detail], tuple(problems)


def starts_of(n_time: int, length: int, step: int) -> Tensor:
    """Where windows begin, (n_windows,): each step, and so that the last ends at the end."""
    starts = torch.arange(0, n_time - length + 1, step)
    last = n_time - length
    return starts if int(starts[-1]) == last else torch.cat([starts, torch.tensor([last])])


def starts_in(many: Sequence[Array], length: int, step: int) -> Tensor:
    """Where the windows of several series begin among the positions of all, (n_windows,)."""
    offsets = np.cumsum([0, *map(len, many)]).tolist()
    return torch.cat(
        [
            starts_of(len(series), length, step) + offset
            for series, offset in zip(many, offsets, strict=False)
        ]
    )


def pieces(
    many: Sequence[Array], length: int, share: float, generator: torch.Generator
) -> tuple[list[Array], list[Array]]:
    """Series cut in time into pieces of PIECE windows, at random to train on, at least one, or, a
    share of them, to calibrate with, at least one of several. What is left at the end of a series
    belongs to its last piece.
    """
    cut: list[Array] = []
    for series in many:
        n_pieces = max(1, len(series) // (PIECE * length))
        bounds = [num * PIECE * length for num in range(n_pieces)] + [len(series)]
        cut += [series[low:high] for low, high in zip(bounds, bounds[1:], strict=False)]
    n_held_out = min(max(int(len(cut) * share), 1 if share else 0), len(cut) - 1)
    order = torch.randperm(len(cut), generator=generator).tolist()
    taught, kept_back = sorted(order[n_held_out:]), sorted(order[:n_held_out])
    return [cut[num] for num in taught], [cut[num] for num in kept_back]
