"""Detectors of rows: which columns of a table count, and what a fit to them comes to.

Not how one is fitted (`models/detectors/fit.py`).
"""

from collections import Counter

import numpy as np
import torch

from models.detectors.cells import Table, is_missing, is_number
from models.detectors.fit import fit_detector
from models.detectors.growing import OnStep
from models.detectors.preparation import RowPreparation
from pipelines.watch.columns import check_named, ignored, without
from pipelines.watch.plans import (
    ColumnUse,
    FittedTable,
    LeftOut,
    Plan,
    fitted_of,
    n_missing,
    plan_of,
)
from pipelines.watch.row_table import Column, RowTable
from pipelines.watch.settings import DetectorSettings, refusals

ID_SHARE = 0.9
"""A column of words of which so many are different words names rows, and does not describe them."""
ID_ROWS = 20
"""With fewer rows, nobody can tell."""


def plan_rows(table: RowTable, settings: DetectorSettings) -> Plan:
    """What fitting would use. Raises InvalidInput where it would fail."""
    used, left_out = _used(table, settings)
    with refusals():
        preparation, prepared = RowPreparation.fit(
            used.columns, categorical=settings.config.categorical
        )
    return plan_of(
        used,
        _uses(preparation, used.columns),
        left_out,
        prepared.problems,
        n_usable=len(prepared.rows),
        n_calibration=int(len(prepared.rows) * settings.config.calibration_share),
    )


def fit_rows(table: RowTable, settings: DetectorSettings, *, on_step: OnStep) -> FittedTable:
    """Fit a detector of rows."""
    used, left_out = _used(table, settings)
    generator = torch.Generator().manual_seed(settings.seed)
    with refusals():
        fitted = fit_detector(used.columns, settings.config, generator=generator, on_step=on_step)
    uses = _uses(fitted.detector.preparation, used.columns)
    return fitted_of(
        used, fitted.detector, uses, left_out, fitted.problems, regime=fitted.detector.regime
    )


def _used(table: RowTable, settings: DetectorSettings) -> tuple[RowTable, tuple[LeftOut, ...]]:
    """The table with the columns that count, and the others. Raises InvalidInput."""
    categorical = settings.config.categorical
    check_named(table, categorical=categorical)
    left_out = ignored(table, settings)
    for name, column in table.columns.items():
        if name not in settings.ignore and name not in categorical and _names_rows(column):
            detail = (
                "Nearly every row has a different word, as ids have; `categorical` takes it in."
            )
            left_out.append(LeftOut(name, detail))
    return without(table, left_out), tuple(left_out)


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
            n_missing=n_missing(columns[plan.name]),
            n_levels=len(plan.levels) if plan.kind == "categorical" else None,
            constant=not n_varying[num],
        )
        for num, plan in enumerate(preparation.columns)
    )
