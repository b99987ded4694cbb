"""Columns of text, as CSV has them, to columns of numbers or of words. Not how a file is split."""

import math
from collections.abc import Sequence

from pipelines.watch.row_table import Column, Kind, column_of

MISSING = ("", "na", "n/a", "nan", "null", "none")
"""What stands for a missing number, in any case. Among words only an empty cell is missing."""


def typed(cells: Sequence[str], kind: Kind | None) -> Column:
    """The column that the cells are: of the kind, or of the one that they look like.

    It is one of numbers if more than half of the cells with anything in them are numbers. The
    others stay text there: a problem of their rows, told by the detector.
    """
    if kind != "categorical":
        numbers = [_number(cell) for cell in cells]
        if kind == "numeric" or _mostly_numbers(numbers):
            return column_of(numbers)
    return [cell.strip() or None for cell in cells]


def _number(cell: str) -> float | str | None:
    """The number, None where it is missing, or the text that is neither."""
    try:
        number = float(cell)
    except ValueError:
        return None if cell.strip().lower() in MISSING else cell
    if "_" in cell:  # Python's way to write 1000, and nobody else's
        return cell
    return None if math.isnan(number) else number


def _mostly_numbers(cells: Sequence[float | str | None]) -> bool:
    there = [cell for cell in cells if cell is not None]
    return 2 * sum(isinstance(cell, float) for cell in there) > len(there) or not there
