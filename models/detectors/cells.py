"""The cells of a table as numbers or as words, and what is wrong with them, cell by cell.

A table is its columns by name, each with as many values as there are rows; None and NaN are
missing. Not what is learned from them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from models.errors import RowsError

Array = np.ndarray[Any, Any]
Table = Mapping[str, Sequence[Any] | Array]


@dataclass(frozen=True)
class RowProblem:
    """Why a row cannot be used: its number, counted from 0, and the column at fault, if one is."""

    row: int
    column: str | None
    detail: str


def n_rows_of(table: Table) -> int:
    """How many rows a table has. Raises RowsError where columns disagree, are none, or not flat."""
    for name, values in table.items():
        n_dims = getattr(values, "ndim", 1)
        if n_dims != 1:
            raise RowsError(f"{name} has {n_dims} dimensions; a column must have one.")
    lengths = {len(values) for values in table.values()}
    if not lengths:
        raise RowsError("The table has no columns.")
    if len(lengths) > 1:
        listed = ", ".join(f"{name} {len(values)}" for name, values in table.items())
        raise RowsError(f"The columns have different numbers of rows: {listed}.")
    return lengths.pop()


def is_missing(value: Any) -> bool:
    """None, NaN, pandas' NA and NaT, and empty text."""
    return value is None or str(value) in ("", "<NA>") or _differs_from_itself(value)


def _differs_from_itself(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and value != value or str(value) == "NaT"


def is_number(value: Any) -> bool:
    """Whether a value that is there is a number; text never is, whatever it holds."""
    return isinstance(value, Real | Decimal | np.bool_)


def holds_numbers(values: Sequence[Any] | Array) -> bool:
    """Whether a column is one of numbers: any of its values is, or none is there at all.

    Text in such a column is a problem of its row, not a category.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return True
    there = [value for value in values if not is_missing(value)]
    return not there or any(is_number(value) for value in there)


def read_numbers(name: str, values: Sequence[Any] | Array) -> tuple[Array, list[RowProblem]]:
    """A column of numbers as float64 (n_rows,), NaN where missing or wrong, and what is wrong."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        numbers = values.astype(np.float64)
        problems: list[RowProblem] = []
    else:
        numbers, problems = _numbers_one_by_one(name, values)
    for row in np.flatnonzero(np.isinf(numbers)).tolist():
        problems.append(RowProblem(row, name, f"{name} is {numbers[row]}; it must be finite."))
        numbers[row] = math.nan
    return numbers, problems


def _numbers_one_by_one(name: str, values: Sequence[Any] | Array) -> tuple[Array, list[RowProblem]]:
    numbers = np.full(len(values), math.nan)
    problems = []
    for row, value in enumerate(values):
        if is_missing(value):
            continue
        if is_number(value):
            numbers[row] = _as_float(value)
        else:
            problems.append(RowProblem(row, name, f"{name} is {value!r}; it must be a number."))
    return numbers, problems


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an int beyond float64
        return math.inf if value > 0 else -math.inf


def read_words(values: Sequence[Any] | Array) -> list[str | None]:
    """A column of categories as words, None where missing; 1, 1.0 and True are told apart from
    text only by how they are written: `1`, `1`, `true`.
    """
    return [None if is_missing(value) else _word(value) for value in values]


def _word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
