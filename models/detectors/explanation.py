"""Why a row is strange: what each column adds to its score, what was there and what is usual.

Contributions sum to the score; what a member cannot give to a column is one named `unattributed`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.detectors.cells import RowProblem, Table
from models.detectors.detector import RowDetector
from models.detectors.members import CodeMember, NetworksMember
from models.detectors.neighbours import Neighbours
from models.detectors.preparation import Prepared

UNATTRIBUTED = "unattributed"


@dataclass(frozen=True)
class Contribution:
    """What one column adds to a row's score, with what was observed and what is usual there."""

    column: str
    observed: Any
    expected: Any
    contribution: float


@dataclass(frozen=True)
class Explained:
    """A row's score, and its contributions, the largest first."""

    row: int
    score: float
    contributions: tuple[Contribution, ...]


def explain(
    detector: RowDetector, table: Table
) -> tuple[tuple[Explained, ...], tuple[RowProblem, ...]]:
    """The usable rows of a table explained, and the problems of the others."""
    prepared = detector.preparation.prepare(table)
    columns = detector.preparation.columns
    by_column = column_errors(detector, prepared)
    expected = detector.preparation.restore(_expected(detector, prepared))
    names = [plan.name for plan in columns]
    explained = [
        _explained(row, added, [plain(table[name][row]) for name in names], usual, names)
        for row, added, usual in zip(
            prepared.rows.tolist(), by_column.tolist(), expected, strict=True
        )
    ]
    return tuple(explained), prepared.problems


def column_errors(detector: RowDetector, prepared: Prepared) -> Tensor:
    """What each column adds to the scores, and last what none does: (n_rows, n_columns + 1)."""
    return detector.columns(prepared) * detector.column_weights


def _explained(
    row: int, added: list[float], observed: list[Any], usual: list[Any], names: list[str]
) -> Explained:
    *told, rest = added
    contributions = [Contribution(*each) for each in zip(names, observed, usual, told, strict=True)]
    contributions.sort(key=lambda each: -each.contribution)
    if rest:
        contributions.append(Contribution(UNATTRIBUTED, None, None, rest))
    return Explained(row, sum(added), tuple(contributions))


def plain(value: Any) -> Any:
    """A cell as Python has it, so that JSON can hold it."""
    return value.item() if isinstance(value, np.generic) else value


def _expected(detector: RowDetector, prepared: Prepared) -> Tensor:
    """What is usual given the rest of the row: as the nearest training rows have it, the most that
    a member looks at; without such a member as rebuilt; else the mean.

    Networks come second: at the low noise at which they score they nearly copy a strange cell.
    """
    members = list(detector.members.values())
    neighbours = [each for each in members if isinstance(each, Neighbours)]
    if neighbours:
        return max(neighbours, key=lambda each: each.k).expected(prepared.x)
    for member in members:
        if isinstance(member, NetworksMember | CodeMember):
            return member.expected(prepared.x)
    return torch.zeros_like(prepared.x)
