"""Strange stretches of numeric series: a window of a series is a row, its positions are columns.

A detector of rows scores windows; a position is as strange as the windows that cover it.
Not where series come from. How one is kept is in kept.py.
"""

from collections.abc import Sequence
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
    starts_of,
    usable_series,
)
from models.detectors.detector import DetectorConfig, RowDetector
from models.detectors.explanation import column_errors
from models.detectors.fit import fit_detector
from models.errors import ConfigError, RowsError
from models.scoring.calibration import p_values, threshold_at


@dataclass(frozen=True)
class WindowsConfig:
    """How series are cut, and the detector of the windows."""

    length: int = 16
    """Positions of a window. A stretch is told best by windows about as long as it."""
    step: int = 2
    """Positions between the starts of two windows; the last position always ends one."""
    rows: DetectorConfig = DetectorConfig()

    def __post_init__(self) -> None:
        if self.length < 2:
            raise ConfigError("length", f"length is {self.length}; it must be at least 2.")
        if not 1 <= self.step <= self.length:
            detail = f"step is {self.step}; it must be from 1 to length, {self.length}."
            raise ConfigError("step", detail)


@dataclass(frozen=True)
class ScoredSeries:
    """What was found in one series.

    starts, scores (n_windows,): where each window begins, how strange it is. positions (n_time,):
    how strange each position is, the mean over the windows that cover it. contributions (n_time,
    n_columns + 1): what each column adds to that, and last what none does. p_values (n_windows,),
    position_p_values (n_time,): None where nothing was held out.
    """

    starts: Tensor
    scores: Tensor
    p_values: Tensor | None
    positions: Tensor
    position_p_values: Tensor | None
    contributions: Tensor


@dataclass(frozen=True)
class Stretch:
    """Neighbouring positions, start <= t < stop, that are all strange; what its strangest has, and
    what each column adds in the mean, with what no column does last (n_columns + 1,).
    """

    start: int
    stop: int
    score: float
    p_value: float
    contributions: Tensor


@dataclass(frozen=True)
class WindowDetector:
    """A fitted detector. rows: of windows; position_calibration (n,): of positions held out."""

    config: WindowsConfig
    columns: tuple[str, ...]
    rows: RowDetector
    position_calibration: Tensor

    def score(self, series: Array) -> ScoredSeries:
        """Of one series (n_time, n_columns). Raises RowsError, naming time and column, for one that
        is too short, has other columns, or has values that are missing or infinite.
        """
        check_columns(series, self.columns)
        if problem := first_problem(series, self.columns, self.config.length):
            raise RowsError(problem)
        starts = starts_of(len(series), self.config.length, self.config.step)
        parts = self._parts(series, starts)
        contributions = _by_position(parts, starts, len(series), self.config.length)
        scores, positions = parts.sum(dim=1), contributions.sum(dim=1)
        held_out = len(self.position_calibration)
        return ScoredSeries(
            starts=starts,
            scores=scores,
            p_values=p_values(scores, self.rows.calibration) if held_out else None,
            positions=positions,
            position_p_values=p_values(positions, self.position_calibration) if held_out else None,
            contributions=contributions,
        )

    def score_all(
        self, many: Sequence[Array]
    ) -> tuple[dict[int, ScoredSeries], tuple[SeriesProblem, ...]]:
        """Those of several series that can be scored, by number, and what is wrong with the others.

        Raises RowsError for one with other columns.
        """
        for series in many:
            check_columns(series, self.columns)
        good, problems = usable_series(many, self.columns, self.config.length)
        return {num: self.score(many[num]) for num in good}, problems

    def stretches(self, scored: ScoredSeries, alert_rate: float) -> tuple[Stretch, ...]:
        """Where a series is strange, the strangest first, at that share of usual positions.

        Raises ConfigError for a rate that too few positions were held out for.
        """
        threshold = threshold_at(alert_rate, self.position_calibration)
        if threshold is None or scored.position_p_values is None:
            n = len(self.position_calibration)
            detail = f"{n} positions were held out, too few for an alert rate of {alert_rate:g}."
            raise ConfigError("alert_rate", detail)
        found = [
            _stretch(scored, scored.position_p_values, start, stop)
            for start, stop in _runs(scored.positions > threshold)
        ]
        return tuple(sorted(found, key=lambda each: -each.score))

    def _parts(self, series: Array, starts: Tensor) -> Tensor:
        """What each column adds to the score of each window, and last what none does:
        (n_windows, n_columns + 1).
        """
        prepared = self.rows.preparation.prepare(windows_as_rows(series, starts, self.config))
        told = column_errors(self.rows, prepared)  # (n_windows, length * n_columns + 1)
        cells = told[:, :-1].reshape(len(starts), self.config.length, len(self.columns))
        return torch.cat([cells.sum(dim=1), told[:, -1:]], dim=1)


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
) -> FittedWindows:
    """Fit to series (n_time, n_columns) each, not all of one length.

    Series are cut into pieces; windows of a share of the pieces, whole, are held out, so that no
    value is both learned from and calibrated with. Raises RowsError when no series can be used.
    """
    for series in many:
        check_columns(series, columns)
    good, problems = usable_series(many, columns, config.length)
    if not good:
        raise RowsError(problems[0].detail if problems else "There are no series.")
    share = config.rows.calibration_share
    taught, kept_back = pieces([many[num] for num in good], config.length, share, generator)
    rows = fit_detector(
        _stacked(taught, config), replace(config.rows, calibration_share=0.0), generator=generator
    ).detector
    none = torch.zeros(0, dtype=torch.float64)
    detector = WindowDetector(config, tuple(columns), replace(rows, config=config.rows), none)
    held_out = [detector.score(piece) for piece in kept_back]
    if held_out:
        calibration = torch.cat([each.scores for each in held_out])
        detector = replace(
            detector,
            rows=replace(detector.rows, calibration=calibration),
            position_calibration=torch.cat([each.positions for each in held_out]),
        )
    return FittedWindows(detector, problems)


def _stacked(taught: Sequence[Array], config: WindowsConfig) -> Table:
    """The windows of several pieces as one table."""
    tables = [
        windows_as_rows(piece, starts_of(len(piece), config.length, config.step), config)
        for piece in taught
    ]
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _by_position(parts: Tensor, starts: Tensor, n_time: int, length: int) -> Tensor:
    """The mean over the windows that cover a position: parts (n_windows, n) -> (n_time, n)."""
    places = (starts[:, None] + torch.arange(length)).flatten()
    sums = torch.zeros(n_time, parts.shape[1], dtype=parts.dtype)
    sums.index_add_(0, places, parts.repeat_interleave(length, dim=0))
    return sums / torch.bincount(places, minlength=n_time)[:, None]


def _runs(strange: Tensor) -> list[tuple[int, int]]:
    """Where neighbouring positions are all True: start and stop of each run."""
    edges = np.diff(np.concatenate([[0], strange.numpy().astype(np.int8), [0]]))
    return list(
        zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True)
    )


def _stretch(scored: ScoredSeries, p: Tensor, start: int, stop: int) -> Stretch:
    return Stretch(
        start,
        stop,
        score=float(scored.positions[start:stop].max()),
        p_value=float(p[start:stop].min()),
        contributions=scored.contributions[start:stop].mean(dim=0),
    )
