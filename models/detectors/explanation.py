"""Why a row is strange: what each column adds to its score, what was there and what is usual.

Contributions sum to the score; what a member cannot give to a column is one named `unattributed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from models.detectors.cells import RowProblem, Table
from models.detectors.detector import RowDetector
from models.detectors.preparation import Prepared
from models.detectors.told import Detector

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
    detector: Detector, table: Table, rows: Sequence[int] | None = None
) -> tuple[tuple[Explained, ...], tuple[RowProblem, ...]]:
    """The usable rows of a table explained, and the problems of the others; rows: of some."""
    told = detector.tell(table, rows)
    names = detector.column_names
    parts = zip(
        told.rows.tolist(), told.contributions.tolist(), told.observed, told.expected, strict=True
    )
    return tuple(_explained(names, *each) for each in parts), told.problems


def column_errors(detector: RowDetector, prepared: Prepared) -> Tensor:
    """What each column adds to the scores, and last what none does: (n_rows, n_columns + 1)."""
    return detector.columns(prepared) * detector.column_weights


def contributions_of(
    names: Sequence[str], added: Sequence[float], observed: Sequence[Any], usual: Sequence[Any]
) -> tuple[Contribution, ...]:
    """The largest first; added: one a name, and last what none adds."""
    *told, rest = added
    contributions = [Contribution(*each) for each in zip(names, observed, usual, told, strict=True)]
    contributions.sort(key=lambda each: -each.contribution)
    if rest:
        contributions.append(Contribution(UNATTRIBUTED, None, None, rest))
    return tuple(contributions)


def _explained(
    names: Sequence[str], row: int, added: list[float], observed: list[Any], usual: list[Any]
) -> Explained:
    return Explained(row, sum(added), contributions_of(names, added, observed, usual))
