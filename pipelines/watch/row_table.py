"""A table of rows as it was read: its columns, and the rows that could not be read. Not how a file
is read (`table_files.py`), nor what a detector makes of the cells (`models/detectors`).
"""

import gzip
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch

from models.detectors.cells import RowProblem
from pipelines.errors import InvalidInput
from pipelines.runs import trees

MAX_ROWS = 100_000
MAX_COLUMNS = 500
MAX_CELLS = 5_000_000

Array = np.ndarray[Any, Any]
Column = Array | list[Any]
"""Numbers as float64, NaN where missing; else a list of what stands in the cells."""
Kind = Literal["numeric", "categorical"]
Kinds = Mapping[str, Kind]
"""What columns hold, where that is known already."""


@dataclass(frozen=True)
class RowTable:
    """Rows by column. `numbers` (n_rows,) are theirs in what was sent, counted from 0; `problems`
    tell of the rows that are left out.
    """

    columns: dict[str, Column]
    numbers: Array
    problems: tuple[RowProblem, ...] = ()
    lines: Mapping[int, int] = field(default_factory=dict)
    """The line on which a row begins, by its number; empty where there are no lines."""
    ids: tuple[str, ...] | None = None
    """Of the users or items that the rows are of, if they are of any."""

    def __len__(self) -> int:
        return len(self.numbers)

    def only(self, names: Collection[str]) -> "RowTable":
        """Some of the columns, in their order here."""
        kept = {name: column for name, column in self.columns.items() if name in names}
        return replace(self, columns=kept)

    def at(self, rows: Sequence[int]) -> "RowTable":
        """Some of the rows, by their place here."""
        return replace(
            self,
            columns={name: take(column, rows) for name, column in self.columns.items()},
            numbers=self.numbers[list(rows)],
            ids=None if self.ids is None else tuple(self.ids[row] for row in rows),
        )

    def with_gaps(self) -> "RowTable":
        """With a row of missing cells in the place of each that could not be read: for rows that
        follow each other.
        """
        there = set(self.numbers.tolist())
        lost = sorted({each.row for each in self.problems} - there)
        numbers = np.concatenate([self.numbers, np.array(lost, dtype=np.int64)])
        order = np.argsort(numbers, kind="stable")
        columns = {
            name: take(_longer(column, len(lost)), order.tolist())
            for name, column in self.columns.items()
        }
        return replace(self, columns=columns, numbers=numbers[order])

    @property
    def n_sent(self) -> int:
        """Rows that were sent, or are stored; those too that could not be read."""
        if self.ids is not None:
            return len(self) + len(self.problems)
        return len({*self.numbers.tolist(), *(each.row for each in self.problems)})

    def told(self, problems: Sequence[RowProblem]) -> tuple[RowProblem, ...]:
        """All that is wrong with which row of what was sent, once it is known of rows here."""
        known = {each.row for each in self.problems}
        here = (replace(each, row=int(self.numbers[each.row])) for each in problems)
        new = [each for each in here if each.row not in known]
        return tuple(sorted((*self.problems, *new), key=lambda each: each.row))


def pack(table: RowTable) -> bytes:
    """The columns and numbers as a file: equal tables, equal bytes."""
    tree = {
        "numbers": torch.from_numpy(table.numbers),
        "columns": {name: _packed(column) for name, column in table.columns.items()},
    }
    return gzip.compress(trees.to_bytes(tree), compresslevel=3, mtime=0)


def unpack(content: bytes) -> RowTable:
    """The table that `pack` was given, but for its problems and lines."""
    tree = trees.from_bytes(gzip.decompress(content))
    columns = {name: _unpacked(column) for name, column in tree["columns"].items()}
    return RowTable(columns, tree["numbers"].numpy())


def digest_of(packed: bytes) -> str:
    """sha256 of a packed table."""
    return hashlib.sha256(gzip.decompress(packed)).hexdigest()


def take(column: Column, rows: Sequence[int]) -> Column:
    """Some cells of a column."""
    return column[list(rows)] if isinstance(column, np.ndarray) else [column[row] for row in rows]


def _longer(column: Column, n: int) -> Column:
    """A column with so many missing cells after it."""
    if isinstance(column, np.ndarray):
        return np.concatenate([column, np.full(n, np.nan)])
    return [*column, *[None] * n]


def column_of(values: list[Any]) -> Column:
    """An array where all values are numbers or missing, else the list itself."""
    if all(value is None or type(value) in (int, float) for value in values):
        try:
            return np.array([np.nan if value is None else value for value in values], np.float64)
        except OverflowError:  # an int beyond float64 is for the detector to refuse, row by row
            return values
    return values


def check_size(n_rows: int, n_columns: int, *, called: str) -> None:
    """Raise InvalidInput where a table is larger than is taken at once."""
    for n, limit, noun, remedy in (
        (n_rows, MAX_ROWS, "rows", "send a random sample of them"),
        (n_columns, MAX_COLUMNS, "columns", "leave out those that say least"),
        (n_rows * n_columns, MAX_CELLS, "cells", "send fewer rows or columns"),
    ):
        if n > limit:
            detail = f"There are {n:,} {noun} in {called}; at most {limit:,} are taken: {remedy}."
            raise InvalidInput(detail)


def check_names(names: Sequence[str], *, called: str) -> None:
    """Raise InvalidInput for columns without a name, or with the name of another."""
    check_size(0, len(names), called=called)
    for num, name in enumerate(names, start=1):
        if not name.strip():
            raise InvalidInput(f"Column {num} of {called} has no name; give it one.")
        if name in names[: num - 1]:
            raise InvalidInput(
                f"Two columns of {called} are called {name!r}; rename or remove one."
            )
    if not names:
        raise InvalidInput(f"There are no columns in {called}.")


def _packed(column: Column) -> Any:
    if isinstance(column, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(column))
    return column


def _unpacked(column: Any) -> Column:
    return column.numpy() if isinstance(column, torch.Tensor) else column


Reader = Callable[[bytes, str, Kinds], RowTable]
"""Reads the bytes of a file, called so. Raises InvalidInput where it is no table."""
