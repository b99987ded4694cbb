"""The series in a table: which rows follow each other in time, and where that breaks off.

A row that cannot be used cuts its series in two. Not windows: cutting.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.detectors.cells import (
    Array,
    RowProblem,
    Table,
    is_missing,
    is_number,
    n_rows_of,
    read_numbers,
    read_words,
)
from models.errors import RowsError


@dataclass(frozen=True)
class Layout:
    """The columns of a table that are no values of a series."""

    order: str = ""
    """Numbers or times that rise from row to row; without it rows are as they follow each other."""
    group: str = ""
    """Says which series a row is of; without it all are of one."""


class OrderError(RowsError):
    """Times that do not rise: the row, counted from 0, and the column at fault."""

    def __init__(self, row: int, column: str, detail: str) -> None:
        super().__init__(detail)
        self.row, self.column, self.detail = row, column, detail


@dataclass(frozen=True)
class CutTable:
    """values: arrays (n_time, n_columns), a series each. positions, series (n_positions of all):
    the row of each position, and the number of its series. problems: of the other rows.
    """

    values: tuple[Array, ...]
    positions: Tensor
    series: Tensor
    problems: tuple[RowProblem, ...]

    def only(self, wanted: Tensor) -> "CutTable":
        """The series with any of the positions that are wanted (n_positions,), bool."""
        kept = set(self.series[wanted].tolist())
        mask = torch.tensor([num in kept for num in self.series.tolist()], dtype=torch.bool)
        values = tuple(each for num, each in enumerate(self.values) if num in kept)
        return replace(
            self, values=values, positions=self.positions[mask], series=self.series[mask]
        )


def cut_table(table: Table, columns: Sequence[str], layout: Layout, length: int) -> CutTable:
    """Cut a table into series of at least so many rows without a problem.

    Raises RowsError for columns that are not there, OrderError where times go back or stand still.
    """
    wanted = [*columns, *filter(None, (layout.order, layout.group))]
    if missing := [name for name in wanted if name not in table]:
        raise RowsError(f"The table has no column {', '.join(map(repr, missing))}.")
    n_rows = n_rows_of(table)
    problems: list[RowProblem] = []
    read = [_values(name, table[name], problems) for name in columns]
    values = np.stack(read, axis=1) if read else np.zeros((n_rows, 0))
    groups = _groups(table, layout.group, n_rows, problems)
    times = _times(table, layout.order, problems)
    bad = np.zeros(n_rows, dtype=bool)
    bad[[each.row for each in problems]] = True
    runs = []
    for rows in _rows_by_group(groups):
        if times is not None:
            _check_rising(times, rows[~bad[rows]], layout.order, table)
        runs += _unbroken(rows, bad)
    long = [run for run in runs if len(run) >= length]
    problems += [_short(run, row, length) for run in runs if len(run) < length for row in run]
    sizes = torch.tensor([len(run) for run in long], dtype=torch.int64)
    return CutTable(
        values=tuple(values[run] for run in long),
        positions=torch.from_numpy(np.concatenate([*long, np.zeros(0, np.int64)])),
        series=torch.repeat_interleave(torch.arange(len(long)), sizes),
        problems=tuple(sorted(problems, key=lambda each: each.row)),
    )


def _values(name: str, cells: Any, problems: list[RowProblem]) -> Array:
    """A column as numbers; what is missing or wrong is added to the problems."""
    numbers, wrong = read_numbers(name, cells)
    told = {each.row for each in wrong}
    problems += wrong
    problems += [
        RowProblem(row, name, f"{name} is missing; a position of a series must have all values.")
        for row in np.flatnonzero(np.isnan(numbers)).tolist()
        if row not in told
    ]
    return numbers


def _groups(table: Table, group: str, n_rows: int, problems: list[RowProblem]) -> Array:
    """The number of the series that each row is of, -1 where that is missing: (n_rows,)."""
    if not group:
        return np.zeros(n_rows, dtype=np.int64)
    words = read_words(table[group])
    problems += [
        RowProblem(row, group, f"{group} is missing; it says which series the row is of.")
        for row, word in enumerate(words)
        if word is None
    ]
    nums: dict[str, int] = {}
    return np.array(
        [-1 if word is None else nums.setdefault(word, len(nums)) for word in words], np.int64
    )


def _rows_by_group(groups: Array) -> list[Array]:
    """The rows of each group, in their order."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    cuts = np.flatnonzero(np.diff(ordered)) + 1
    return [rows for rows in np.split(order, cuts) if len(rows) and groups[rows[0]] >= 0]


def _times(table: Table, order: str, problems: list[RowProblem]) -> Array | None:
    """The column of times as numbers, (n_rows,), NaN where one is missing or none."""
    if not order:
        return None
    found = np.full(len(table[order]), np.nan)
    for row, cell in enumerate(table[order]):
        time = _time(cell)
        if time is None:
            told = "missing" if is_missing(cell) else f"{cell!r}"
            detail = f"{order} is {told}; it must be a number, or a time such as 2026-11-26T10:00Z."
            problems.append(RowProblem(row, order, detail))
        else:
            found[row] = time
    return found


def _time(cell: Any) -> float | None:
    if is_missing(cell):
        return None
    if is_number(cell):
        return float(cell) if np.isfinite(float(cell)) else None
    try:
        moment = datetime.fromisoformat(str(cell))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _check_rising(times: Array, rows: Array, order: str, table: Table) -> None:
    """Raise OrderError at the first of these rows whose time is not above the one before."""
    wrong = np.flatnonzero(~(np.diff(times[rows]) > 0))
    if not len(wrong):
        return
    before, row = int(rows[wrong[0]]), int(rows[wrong[0] + 1])
    how = "repeats that" if times[row] == times[before] else "is before that"
    cells = table[order]
    detail = (
        f"{order} of row {row}, {cells[row]}, {how} of row {before}, {cells[before]}: times must "
        "rise from row to row. Sort the rows, and keep one for each time."
    )
    raise OrderError(row, order, detail)


def _unbroken(rows: Array, bad: Array) -> list[Array]:
    """The rows of a series without bad ones, cut where those were."""
    parts = np.split(rows, np.flatnonzero(bad[rows]))
    return [good for part in parts if len(good := part[~bad[part]])]


def _short(run: Array, row: int, length: int) -> RowProblem:
    detail = f"Only {len(run)} usable rows follow each other here, and a window takes {length}."
    return RowProblem(int(row), None, detail)
