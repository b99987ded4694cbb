"""A detector of the positions of series as one of tables: rows in time order, one series or many.

Windows are cut where rows follow each other: series_tables.py. Not how they are judged: windows.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.detectors.cells import Table
from models.detectors.growing import OnStep, in_silence
from models.detectors.series_tables import CutTable, Layout, cut_table
from models.detectors.told import Holds, Scored, Told, cells_of
from models.detectors.windows import WindowDetector, WindowsConfig, fit_windows
from models.scoring.calibration import p_values


@dataclass(frozen=True)
class SeriesDetector:
    """windows: how positions are judged. layout: what of a table is no value of a series."""

    windows: WindowDetector
    layout: Layout
    takes: dict[str, Holds]

    @property
    def column_names(self) -> tuple[str, ...]:
        return self.windows.columns

    @property
    def member_names(self) -> tuple[str, ...]:
        return self.windows.rows.member_names

    @property
    def contamination(self) -> float:
        """Of windows."""
        return self.windows.rows.contamination

    @property
    def calibration(self) -> Tensor:
        return self.windows.calibration

    @property
    def column_weights(self) -> Tensor:
        return self.windows.column_weights

    @property
    def held_out(self) -> Tensor:
        return self.windows.held_out

    def weigh(self, column_weights: Tensor) -> "SeriesDetector":
        return replace(self, windows=replace(self.windows, column_weights=column_weights))

    def shown(self, table: Table) -> Table:
        return table

    def score(self, table: Table) -> Scored:
        """How strange each position is, series by series; rows that are in no window are listed.

        Raises RowsError where times are out of order, or columns are others.
        """
        cut = self.cut(table)
        scores = (self._judge(cut) * self.column_weights).sum(dim=1)
        calibration = self.calibration
        p = p_values(scores, calibration) if len(calibration) else None
        return Scored(cut.positions, scores, p, cut.problems, series=cut.series)

    def tell(self, table: Table, rows: Sequence[int] | None = None) -> Told:
        """Why. Expected of a cell is what it is in usual windows like those around it."""
        cut = self.cut(table)
        if rows is not None:
            cut = cut.only(torch.isin(cut.positions, torch.tensor(rows)))
        contributions = self._judge(cut) * self.column_weights
        expected = self.windows.expected(cut.values) if cut.values else contributions[:, :-1]
        chosen = torch.arange(len(contributions))
        if rows is not None:
            chosen = chosen[torch.isin(cut.positions, torch.tensor(rows))]
        return Told(
            rows=cut.positions[chosen],
            contributions=contributions[chosen],
            observed=cells_of(table, self.column_names, cut.positions[chosen].tolist()),
            expected=expected[chosen].tolist(),
            problems=cut.problems,
        )

    def cut(self, table: Table) -> CutTable:
        """The series of a table."""
        return cut_table(table, self.column_names, self.layout, self.windows.config.length)

    def _judge(self, cut: CutTable) -> Tensor:
        if not cut.values:
            return torch.zeros(0, len(self.column_weights), dtype=torch.float64)
        return self.windows.judge(cut.values)


def fit_series(
    cut: CutTable,
    columns: Sequence[str],
    config: WindowsConfig,
    layout: Layout,
    *,
    takes: dict[str, Holds],
    generator: torch.Generator,
    on_step: OnStep = in_silence,
) -> SeriesDetector:
    """Fit to the series of a table of that layout, at least one. columns: of its values; takes: all
    that a table must have.
    """
    fitted = fit_windows(cut.values, config, columns=columns, generator=generator, on_step=on_step)
    return SeriesDetector(fitted.detector, layout, takes)
