"""A detector fitted to a table that was read, by what its rows are: a plan of it, and the fit.

Not when it is fitted (`fit_steps.py`), nor how each kind is (`row_fits.py`, `image_fits.py`,
`series_fits.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from models.detectors.growing import OnStep, in_silence
from pipelines.watch.image_fits import fit_pictures, plan_images
from pipelines.watch.plans import FittedTable, Plan
from pipelines.watch.row_fits import fit_rows, plan_rows
from pipelines.watch.row_table import RowTable
from pipelines.watch.series_fits import fit_of_series, plan_series
from pipelines.watch.settings import DetectorSettings


class _Planning(Protocol):
    def __call__(self, table: RowTable, settings: DetectorSettings) -> Plan: ...


class _Fitting(Protocol):
    def __call__(
        self, table: RowTable, settings: DetectorSettings, *, on_step: OnStep
    ) -> FittedTable: ...


@dataclass(frozen=True)
class _Kind:
    """What is done with a table of one kind."""

    plan: _Planning
    fit: _Fitting


_ROWS: Final = _Kind(plan_rows, fit_rows)
_SERIES: Final = _Kind(plan_series, fit_of_series)
KINDS: Final[Mapping[str, _Kind]] = {
    "table": _ROWS,
    "users": _ROWS,
    "items": _ROWS,
    "images": _Kind(plan_images, fit_pictures),
    "series": _SERIES,
    "sequences": _SERIES,
}
"""By what a detector is over."""


def plan_fit(table: RowTable, settings: DetectorSettings) -> Plan:
    """What fitting would use, without doing it. Raises InvalidInput where it would fail."""
    return KINDS[settings.over].plan(table, settings)


def fit_table(
    table: RowTable, settings: DetectorSettings, *, on_step: OnStep = in_silence
) -> FittedTable:
    """Fit a detector: the same for the same table and settings. Raises InvalidInput, and what
    on_step does.
    """
    return KINDS[settings.over].fit(table, settings, on_step=on_step)
