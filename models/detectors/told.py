"""What every detector of a table does, whatever its rows are: usual rows, pictures, or positions of
series. Not how one is fitted, nor which there are (kinds.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import numpy as np
from torch import Tensor

from models.detectors.cells import Array, RowProblem, Table

Holds = Literal["numeric", "categorical"]
"""What is in the cells of a column."""


@dataclass(frozen=True)
class Scored:
    """The rows that could be scored, by number, with what was found; the problems of the others.

    rows, scores, p_values (n_good,); p_values is None where nothing was held out for them. series
    (n_good,): which rows follow each other in time, as they stand here; None: none do.
    """

    rows: Tensor
    scores: Tensor
    p_values: Tensor | None
    problems: tuple[RowProblem, ...]
    series: Tensor | None = None


@dataclass(frozen=True)
class Told:
    """Why rows score as they do: rows (n_good,), their numbers; contributions (n_good,
    n_columns + 1), what each column adds, and last what none does; observed and expected, the cells
    of each row; and the problems of the others.
    """

    rows: Tensor
    contributions: Tensor
    observed: list[list[Any]]
    expected: list[list[Any]]
    problems: tuple[RowProblem, ...]


def cells_of(table: Table, names: Sequence[str], rows: Sequence[int]) -> list[list[Any]]:
    """The cells of some rows, as Python has them, so that JSON can hold them."""
    return [[plain(table[name][row]) for name in names] for row in rows]


def taken(table: Table, rows: Array) -> dict[str, Sequence[Any] | Array]:
    """Some rows of a table."""
    return {
        name: column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows]
        for name, column in table.items()
    }


def plain(value: Any) -> Any:
    """A cell as Python has it."""
    return value.item() if isinstance(value, np.generic) else value


class Detector(Protocol):
    """A fitted detector of the rows of tables.

    calibration (n,): scores of rows held out, by the present column_weights (n_columns + 1,);
    held_out (n, n_columns + 1): what each column adds to them before its weight.
    """

    @property
    def column_names(self) -> tuple[str, ...]:
        """What contributions are told of."""
        ...

    @property
    def takes(self) -> Mapping[str, Holds]:
        """The columns that a table must have, in their order, and what they hold."""
        ...

    @property
    def calibration(self) -> Tensor: ...

    @property
    def column_weights(self) -> Tensor: ...

    @property
    def held_out(self) -> Tensor: ...

    @property
    def contamination(self) -> float: ...

    @property
    def member_names(self) -> tuple[str, ...]: ...

    def score(self, table: Table) -> Scored:
        """How strange each usable row is. Raises RowsError for another table."""
        ...

    def tell(self, table: Table, rows: Sequence[int] | None = None) -> Told:
        """Why some of the rows do, by number; None: all. Raises as `score`."""
        ...

    def shown(self, table: Table) -> Table:
        """The columns of `column_names`, as people are shown them and as drift compares them."""
        ...

    def weigh(self, column_weights: Tensor) -> Self:
        """The same with other weights of columns, calibrated anew."""
        ...
