"""What a detector would be fitted to, and what came of a fit. Not how one is made: `fitting.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.detectors.cells import RowProblem, is_missing
from models.detectors.told import Detector
from pipelines.watch.references import References, references_of
from pipelines.watch.row_table import RowTable

MAX_PROBLEMS = 100
"""Bad rows that are told of one by one."""
LEAST_ROWS = 50
"""With fewer, a plan says that there are few."""


@dataclass(frozen=True)
class LeftOut:
    """A column that is not looked at, and why."""

    column: str
    detail: str


@dataclass(frozen=True)
class ColumnUse:
    """How a column is used. `n_levels`: words that are told apart; of numbers None."""

    column: str
    kind: str
    n_missing: int
    n_levels: int | None
    constant: bool


@dataclass(frozen=True)
class Plan:
    """What a detector would be fitted to. `smallest_alert_rate`: that it can promise; None: none.

    `problems` tells at most MAX_PROBLEMS of the `n_problems` rows that are left out.
    """

    n_rows: int
    n_usable: int
    n_calibration: int
    smallest_alert_rate: float | None
    columns: tuple[ColumnUse, ...]
    left_out: tuple[LeftOut, ...]
    n_problems: int
    problems: tuple[RowProblem, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class FittedTable:
    """A detector, and what its manifest says of the rows that it was fitted to."""

    detector: Detector
    references: References
    facts: Mapping[str, Any]


def plan_of(
    table: RowTable,
    columns: Sequence[ColumnUse],
    left_out: Sequence[LeftOut],
    problems: Sequence[RowProblem],
    *,
    n_usable: int,
    n_calibration: int,
    notes: Sequence[str] = (),
) -> Plan:
    """A plan, with what few rows mean among its notes. problems: of rows of the table."""
    told = table.told(problems)
    return Plan(
        n_rows=table.n_sent,
        n_usable=n_usable,
        n_calibration=n_calibration,
        smallest_alert_rate=1 / (n_calibration + 1) if n_calibration else None,
        columns=tuple(columns),
        left_out=tuple(left_out),
        n_problems=len({each.row for each in told}),
        problems=told[:MAX_PROBLEMS],
        notes=(*_notes(n_usable, n_calibration), *notes),
    )


def fitted_of(
    table: RowTable,
    detector: Detector,
    columns: Sequence[ColumnUse],
    left_out: Sequence[LeftOut],
    problems: Sequence[RowProblem],
    **more: Any,
) -> FittedTable:
    """A fitted detector with its facts. table: the columns that count; problems: of its rows."""
    told = table.told(problems)
    n_calibration = len(detector.calibration)
    facts = {
        "n_rows": table.n_sent,
        "n_train": len(table) - len({each.row for each in problems}) - n_calibration,
        "n_calibration": n_calibration,
        "n_problems": len({each.row for each in told}),
        "problems": [asdict(each) for each in told[:MAX_PROBLEMS]],
        "columns": [asdict(use) for use in columns],
        "left_out": [asdict(each) for each in left_out],
        "contamination": detector.contamination,
        "members": list(detector.member_names),
        **more,
    }
    return FittedTable(detector, references_of(detector, table.columns), facts)


def n_missing(values: Any) -> int:
    """Cells of a column that are missing."""
    if isinstance(values, np.ndarray):
        return int(np.isnan(values).sum())
    return sum(is_missing(value) for value in values)


def _notes(n_usable: int, n_calibration: int) -> tuple[str, ...]:
    notes = []
    if n_usable < LEAST_ROWS:
        notes.append(f"{n_usable} rows are few: what is usual can hardly be told from them.")
    if not n_calibration:
        notes.append("No rows are held out, so that there are no p-values and no alert rates.")
    return tuple(notes)
