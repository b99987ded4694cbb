"""Strange stretches of numeric series: a window of a series is a row, its positions are columns.

A detector of rows scores windows; a position is as strange as the windows that cover it.
Not where series come from. How one is kept is in kept.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models.detectors.cells import Array, Table
from models.detectors.cutting import (
    SeriesProblem,
    check_columns,
    first_problem,
    pieces,
    starts_in,
    usable_series,
)
from models.detectors.detector import DetectorConfig, RowDetector
from models.detectors.fit import fit_detector
from models.detectors.growing import OnStep, in_silence
from models.detectors.members import expected_of
from models.detectors.preparation import Prepared
from models.detectors.stretches import Stretch, stretches_of
from models.errors import ConfigError, RowsError
from models.scoring.calibration import p_values, threshold_at

CHUNK = 8192
"""Windows that are in memory as rows together."""
LONGEST = 1000
"""Positions of a window: all their cells are features of one row."""


@dataclass(frozen=True)
class WindowsConfig:
    """How series are cut, and the detector of the windows."""

    length: int = 16
    """Positions of a window. A stretch is told best by windows about as long as it."""
    step: int = 2
    """Positions between the starts of two windows; the last position always ends one."""
    rows: DetectorConfig = DetectorConfig()

    def __post_init__(self) -> None:
        if not 2 <= self.length <= LONGEST:
            detail = f"length is {self.length}; it must be from 2 to {LONGEST}."
            raise ConfigError("length", detail)
        if not 1 <= self.step <= self.length:
            detail = f"step is {self.step}; it must be from 1 to length, {self.length}."
            raise ConfigError("step", detail)


@dataclass(frozen=True)
class ScoredSeries:
    """What was found in one series.

    positions (n_time,): how strange each position is, the mean over the windows that cover it.
    p_values (n_time,): None where nothing was held out. contributions (n_time, n_columns + 1): what
    each column adds to that, and last what none does.
    """

    positions: Tensor
    p_values: Tensor | None
    contributions: Tensor


@dataclass(frozen=True)
class WindowDetector:
    """A fitted detector. rows: of windows. held_out (n, n_columns + 1): what each column adds to
    positions held out, before its weight of column_weights (n_columns + 1,).
    """

    config: WindowsConfig
    columns: tuple[str, ...]
    rows: RowDetector
    column_weights: Tensor
    held_out: Tensor

    @property
    def calibration(self) -> Tensor:
        """Scores of positions held out, (n,)."""
        return (self.held_out * self.column_weights).sum(dim=1)

    def score(self, series: Array) -> ScoredSeries:
        """Of one series (n_time, n_columns). Raises RowsError, naming time and column, for one that
        is too short, has other columns, or has values that are missing or infinite.
        """
        check_columns(series, self.columns)
        if problem := first_problem(series, self.columns, self.config.length):
            raise RowsError(problem)
        return self._scored(self.judge([series]))

    def score_all(
        self, many: Sequence[Array]
    ) -> tuple[dict[int, ScoredSeries], tuple[SeriesProblem, ...]]:
        """Those of several series that can be scored, by number, and what is wrong with the others.

        Raises RowsError for one with other columns.
        """
        for series in many:
            check_columns(series, self.columns)
        good, problems = usable_series(many, self.columns, self.config.length)
        if not good:
            return {}, problems
        judged = self.judge([many[num] for num in good])
        parts = torch.split(judged, [len(many[num]) for num in good])
        return {num: self._scored(part) for num, part in zip(good, parts, strict=True)}, problems

    def stretches(self, scored: ScoredSeries, alert_rate: float) -> tuple[Stretch, ...]:
        """Where a series is strange, the strangest first, at that share of usual positions.

        Raises ConfigError for a rate that too few positions were held out for.
        """
        threshold = threshold_at(alert_rate, self.calibration)
        if threshold is None or scored.p_values is None:
            n = len(self.held_out)
            detail = f"{n} positions were held out, too few for an alert rate of {alert_rate:g}."
            raise ConfigError("alert_rate", detail)
        one = torch.zeros(len(scored.positions), dtype=torch.int64)
        return stretches_of(scored.positions > threshold, scored.positions, scored.p_values, one)

    def judge(self, many: Sequence[Array]) -> Tensor:
        """What each column adds to the positions of usable series, before its weight, and last what
        none does: (n_positions of all, n_columns + 1).
        """
        spread = _Spread(many, self.config.length, len(self.columns) + 1)
        for places, prepared in self._windows(many):
            told = self.rows.columns(prepared)  # (n_windows, length * n_columns + 1)
            parts = torch.cat([self._cells(told[:, :-1]).sum(dim=1), told[:, -1:]], dim=1)
            spread.add(places, parts[:, None].expand(-1, self.config.length, -1))
        return spread.mean()

    def expected(self, many: Sequence[Array]) -> Tensor:
        """What is usual there given the rest of the windows, (n_positions of all, n_columns)."""
        spread = _Spread(many, self.config.length, len(self.columns))
        members = list(self.rows.members.values())
        for places, prepared in self._windows(many):
            usual = self.rows.preparation.restore(expected_of(members, prepared.x))
            spread.add(places, self._cells(torch.tensor(usual, dtype=torch.float64)))
        return spread.mean()

    def _windows(self, many: Sequence[Array]) -> Iterator[tuple[Tensor, Prepared]]:
        """Windows of usable series, some at a time: where their positions are among those of all,
        (n_windows, length), and the windows as rows.
        """
        joined, steps = np.concatenate(many), torch.arange(self.config.length)
        for starts in torch.split(starts_in(many, self.config.length, self.config.step), CHUNK):
            table = windows_as_rows(joined, starts, self.config)
            yield starts[:, None] + steps, self.rows.preparation.prepare(table)

    def _cells(self, flat: Tensor) -> Tensor:
        return flat.reshape(len(flat), self.config.length, len(self.columns))

    def _scored(self, judged: Tensor) -> ScoredSeries:
        contributions = judged * self.column_weights
        positions, calibration = contributions.sum(dim=1), self.calibration
        p = p_values(positions, calibration) if len(calibration) else None
        return ScoredSeries(positions, p, contributions)


def windows_as_rows(series: Array, starts: Tensor, config: WindowsConfig) -> Table:
    """Windows as a table of a row each, a column a cell: position by position, in each the
    columns of the series.
    """
    places = starts.numpy()[:, None] + np.arange(config.length)
    cells = np.asarray(series, dtype=np.float64)[places].reshape(len(starts), -1)
    return {str(num): cells[:, num] for num in range(cells.shape[1])}


@dataclass(frozen=True)
class FittedWindows:
    """A detector, and the series from which it could not learn."""

    detector: WindowDetector
    problems: tuple[SeriesProblem, ...]


def fit_windows(
    many: Sequence[Array],
    config: WindowsConfig,
    *,
    columns: Sequence[str],
    generator: torch.Generator,
    on_step: OnStep = in_silence,
) -> FittedWindows:
    """Fit to series (n_time, n_columns) each, not all of one length; on_step is told how far that
    is.

    Series are cut into pieces; a share of the pieces, whole, is held out, so that no value is both
    learned from and calibrated with. Raises RowsError when no series can be used, ConfigError for
    categorical columns.
    """
    if config.rows.categorical:
        raise ConfigError("categorical", "Series are of numbers: no column can be categorical.")
    for series in many:
        check_columns(series, columns)
    good, problems = usable_series(many, columns, config.length)
    if not good:
        raise RowsError(problems[0].detail if problems else "There are no series.")
    share = config.rows.calibration_share
    taught, kept_back = pieces([many[num] for num in good], config.length, share, generator)
    starts = starts_in(taught, config.length, config.step)
    rows = fit_detector(
        windows_as_rows(np.concatenate(taught), starts, config),
        replace(config.rows, calibration_share=0.0),
        generator=generator,
        window=(config.length, len(columns)),
        on_step=on_step,
    ).detector
    weights = torch.ones(len(columns) + 1, dtype=torch.float64)
    none = torch.zeros(0, len(weights), dtype=torch.float64)
    rows = replace(rows, config=config.rows)
    detector = WindowDetector(config, tuple(columns), rows, weights, none)
    if kept_back:
        detector = replace(detector, held_out=detector.judge(kept_back))
    return FittedWindows(detector, problems)


class _Spread:
    """Means over the windows that cover a position, (n_positions of all, n)."""

    def __init__(self, many: Sequence[Array], length: int, n: int) -> None:
        n_positions = sum(map(len, many))
        self._sums = torch.zeros(n_positions, n, dtype=torch.float64)
        self._counts = torch.zeros(n_positions, 1, dtype=torch.float64)

    def add(self, places: Tensor, values: Tensor) -> None:
        """places (n_windows, length), values (n_windows, length, n)."""
        self._sums.index_add_(0, places.flatten(), values.flatten(0, 1))
        ones = torch.ones(places.numel(), 1, dtype=torch.float64)
        self._counts.index_add_(0, places.flatten(), ones)

    def mean(self) -> Tensor:
        return self._sums / self._counts
