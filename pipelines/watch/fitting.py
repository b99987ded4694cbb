"""A detector fitted to a table that was read: which columns count, and what came of it.

Not when it is fitted (`fit_steps.py`), nor how (`models/detectors/fit.py`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from models.detectors.cells import RowProblem, Table, is_missing, is_number
from models.detectors.detector import RowDetector
from models.detectors.fit import fit_detector
from models.detectors.growing import OnStep, in_silence
from models.detectors.preparation import RowPreparation
from models.errors import choice_error
from pipelines.errors import InvalidInput
from pipelines.watch.references import References, references_of
from pipelines.watch.row_table import Column, RowTable
from pipelines.watch.settings import DetectorSettings, refusals

MAX_PROBLEMS = 100
"""Bad rows that are told of one by one."""
ID_SHARE = 0.9
"""A column of words of which so many are different words names rows, and does not describe them."""
ID_ROWS = 20
"""With fewer rows, nobody can tell."""
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

    detector: RowDetector
    references: References
    facts: Mapping[str, Any]


def plan_fit(table: RowTable, settings: DetectorSettings) -> Plan:
    """What fitting would use, without doing it. Raises InvalidInput where it would fail."""
    used, left_out = _used(table, settings)
    with refusals():
        preparation, prepared = RowPreparation.fit(
            used.columns, categorical=settings.config.categorical
        )
    problems = used.told(prepared.problems)
    n_calibration = int(len(prepared.rows) * settings.config.calibration_share)
    return Plan(
        n_rows=len(table) + len(table.problems),
        n_usable=len(prepared.rows),
        n_calibration=n_calibration,
        smallest_alert_rate=1 / (n_calibration + 1) if n_calibration else None,
        columns=_uses(preparation, used.columns),
        left_out=left_out,
        n_problems=len({each.row for each in problems}),
        problems=problems[:MAX_PROBLEMS],
        notes=_notes(len(prepared.rows), n_calibration),
    )


def fit_table(
    table: RowTable, settings: DetectorSettings, *, on_step: OnStep = in_silence
) -> FittedTable:
    """Fit a detector: the same for the same table and settings. Raises InvalidInput, and what
    on_step does.
    """
    used, left_out = _used(table, settings)
    generator = torch.Generator().manual_seed(settings.seed)
    with refusals():
        fitted = fit_detector(used.columns, settings.config, generator=generator, on_step=on_step)
    detector = fitted.detector
    problems = used.told(fitted.problems)
    bad = {each.row for each in fitted.problems}
    n_calibration = len(detector.calibration)
    facts = {
        "n_rows": len(table) + len(table.problems),
        "n_train": len(table) - len(bad) - n_calibration,
        "n_calibration": n_calibration,
        "n_problems": len({each.row for each in problems}),
        "problems": [asdict(each) for each in problems[:MAX_PROBLEMS]],
        "columns": [asdict(use) for use in _uses(detector.preparation, used.columns)],
        "left_out": [asdict(each) for each in left_out],
        "regime": detector.regime,
        "contamination": detector.contamination,
        "members": list(detector.members),
    }
    return FittedTable(detector, references_of(detector, used.columns), facts)


def _used(table: RowTable, settings: DetectorSettings) -> tuple[RowTable, tuple[LeftOut, ...]]:
    """The table with the columns that count, and the others. Raises InvalidInput."""
    if not len(table) and table.problems:
        first = table.problems[0]
        n = len({each.row for each in table.problems})
        raise InvalidInput(f"None of the {n} rows can be read. Row {first.row}: {first.detail}")
    categorical = settings.config.categorical
    with refusals():
        for option, names in (("ignore", settings.ignore), ("categorical", categorical)):
            for name in names:
                if name not in table.columns:
                    raise choice_error(option, name, table.columns)
    left_out = [LeftOut(name, "It is to be ignored.") for name in settings.ignore]
    for name, column in table.columns.items():
        if name not in settings.ignore and name not in categorical and _names_rows(column):
            detail = (
                "Nearly every row has a different word, as ids have; `categorical` takes it in."
            )
            left_out.append(LeftOut(name, detail))
    gone = [each.column for each in left_out]
    used = table.only([name for name in table.columns if name not in gone])
    if not used.columns:
        raise InvalidInput(f"No column is left: {'; '.join(map(_told, left_out))}")
    return used, tuple(left_out)


def _told(left_out: LeftOut) -> str:
    return f"{left_out.column}: {left_out.detail}"


def _names_rows(column: Column) -> bool:
    if isinstance(column, np.ndarray) or any(is_number(value) for value in column):
        return False
    words = [value for value in column if not is_missing(value)]
    return len(words) >= ID_ROWS and len(set(words)) > ID_SHARE * len(words)


def _uses(preparation: RowPreparation, columns: Table) -> tuple[ColumnUse, ...]:
    n_varying = Counter(preparation.owner[: int(preparation.varies.sum())].tolist())
    return tuple(
        ColumnUse(
            column=plan.name,
            kind=plan.kind,
            n_missing=_n_missing(columns[plan.name]),
            n_levels=len(plan.levels) if plan.kind == "categorical" else None,
            constant=not n_varying[num],
        )
        for num, plan in enumerate(preparation.columns)
    )


def _n_missing(values: Sequence[Any] | Any) -> int:
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
