"""Detectors of series: which columns of a table are values in time, and what a fit comes to.

Not how one is fitted (`models/detectors/series.py`).
"""

import torch

from models.detectors.cells import holds_numbers
from models.detectors.cutting import pieces, starts_in
from models.detectors.growing import OnStep
from models.detectors.series import fit_series
from models.detectors.series_tables import CutTable, Layout, cut_table
from models.detectors.told import Holds
from models.errors import RowsError
from pipelines.errors import InvalidInput
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
from pipelines.watch.row_table import RowTable
from pipelines.watch.settings import DetectorSettings, refusals
from pipelines.watch.stored_sequences import GROUP, LABELS

MAX_CELLS = 20_000_000
"""Of all windows together that a detector is fitted to."""


def plan_series(table: RowTable, settings: DetectorSettings) -> Plan:
    """What fitting would use. Raises InvalidInput where it would fail."""
    used, left_out, layout = _used(table, settings)
    cut = _cut(used, layout, settings)
    generator = torch.Generator().manual_seed(settings.seed)  # as a fit begins
    share, window = settings.config.calibration_share, settings.window
    taught, kept_back = pieces(cut.values, window, share, generator)
    n_windows = len(starts_in(taught, window, settings.step))
    return plan_of(
        used,
        _uses(used, layout),
        left_out,
        cut.problems,
        n_usable=len(cut.positions),
        n_calibration=sum(map(len, kept_back)),
        notes=(f"{n_windows:,} windows of {window} rows are learned from.",),
    )


def fit_of_series(table: RowTable, settings: DetectorSettings, *, on_step: OnStep) -> FittedTable:
    """Fit a detector of series."""
    used, left_out, layout = _used(table, settings)
    cut = _cut(used, layout, settings)
    generator = torch.Generator().manual_seed(settings.seed)
    takes: dict[str, Holds] = {
        name: "numeric" if holds_numbers(column) else "categorical"
        for name, column in used.columns.items()
    }
    with refusals():
        detector = fit_series(
            cut,
            _values(used, layout),
            settings.windows(),
            layout,
            takes=takes,
            generator=generator,
            on_step=on_step,
        )
    return fitted_of(
        used,
        detector,
        _uses(used, layout),
        left_out,
        cut.problems,
        regime=detector.windows.rows.regime,
        n_series=len(cut.values),
    )


def _used(
    table: RowTable, settings: DetectorSettings
) -> tuple[RowTable, tuple[LeftOut, ...], Layout]:
    """The table with the columns that count, and the others. Raises InvalidInput."""
    if settings.over == "sequences":
        left_out = [LeftOut(name, "It names an interaction.") for name in LABELS]
        return without(table, left_out), tuple(left_out), Layout(group=GROUP)
    layout = Layout(settings.order, settings.group)
    kept = [name for name in (layout.order, layout.group) if name]
    check_named(
        table,
        order=[layout.order] if layout.order else [],
        group=[layout.group] if layout.group else [],
    )
    left_out = ignored(table, settings)
    left_out += [
        LeftOut(name, "Its cells are words, and a series is of numbers.")
        for name, column in table.columns.items()
        if name not in (*kept, *settings.ignore) and not holds_numbers(column)
    ]
    used = without(table.with_gaps(), left_out)
    if not _values(used, layout):
        raise InvalidInput("No column of numbers is left that could be a series.")
    return used, tuple(left_out), layout


def _cut(table: RowTable, layout: Layout, settings: DetectorSettings) -> CutTable:
    """The series of a table. Raises InvalidInput where none is as long as a window, times are out
    of order, or there is too much.
    """
    columns = _values(table, layout)
    with refusals(table):
        cut = cut_table(table.columns, columns, layout, settings.window)
        if not cut.values:
            first = table.told(cut.problems)[:1]
            detail = f" Row {first[0].row}: {first[0].detail}" if first else ""
            raise RowsError(f"No {settings.window} usable rows follow each other.{detail}")
    n_windows = len(starts_in(cut.values, settings.window, settings.step))
    n_cells = n_windows * settings.window * len(columns)
    if n_cells > MAX_CELLS:
        raise InvalidInput(
            f"{n_windows:,} windows of {settings.window} rows and {len(columns)} columns are "
            f"{n_cells:,} cells; at most {MAX_CELLS:,} are learned from. Take a larger `step`, a "
            "shorter `window`, or fewer columns or rows."
        )
    return cut


def _values(table: RowTable, layout: Layout) -> list[str]:
    return [name for name in table.columns if name not in (layout.order, layout.group)]


def _uses(table: RowTable, layout: Layout) -> list[ColumnUse]:
    kinds = {layout.order: "order", layout.group: "group"}
    return [
        ColumnUse(
            column=name,
            kind=kinds.get(name, "numeric"),
            n_missing=n_missing(column),
            n_levels=None,
            constant=False,
        )
        for name, column in table.columns.items()
    ]
