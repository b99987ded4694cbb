"""Why rows are strange, and which of those that follow each other make a strange stretch.

Not which rows are anomalies: `scoring.py`.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import torch

from models.detectors.explanation import Contribution, explain
from models.detectors.series import SeriesDetector
from models.detectors.stretches import stretches_of
from models.detectors.told import Detector, Scored, plain
from pipelines.watch.loading import LoadedDetector
from pipelines.watch.row_table import RowTable

MAX_STRETCHES: Final = 1000
"""Stretches that an answer tells of, unless the caller says."""


@dataclass(frozen=True)
class FoundStretch:
    """Neighbouring rows of a series that are all anomalies: the first and the last, what tells
    their times, where anything does; and what the strangest of them has, and when it was.

    Of what users did `user_id` is who; else `series` is what the detector's `group` says.
    """

    start: int
    end: int
    n_rows: int
    started_at: Any
    ended_at: Any
    strangest_at: Any
    user_id: str | None
    series: Any
    score: float
    p_value: float
    contributions: tuple[Contribution, ...]
    anomaly_id: str | None = None


def found_stretches(
    loaded: LoadedDetector,
    table: RowTable,
    scored: Scored,
    anomalies: list[bool],
    *,
    most: int | None,
) -> tuple[FoundStretch, ...] | None:
    """The strangest stretches of anomalies, at most so many; None where rows are of no series."""
    if scored.series is None or scored.p_values is None:
        return None if scored.series is None else ()
    strange = torch.tensor(anomalies, dtype=torch.bool)
    found = stretches_of(strange, scored.scores, scored.p_values, scored.series)[
        : most or MAX_STRETCHES
    ]
    rows = scored.rows.tolist()
    reasons = reasons_of(loaded.detector, table, [rows[each.peak] for each in found])
    order, group = _layout(loaded)
    of_users = loaded.settings.over == "sequences"

    def cell(column: str, row: int) -> Any:
        return plain(table.columns[column][row]) if column else None

    return tuple(
        FoundStretch(
            start=int(table.numbers[(first := rows[each.start])]),
            end=int(table.numbers[(last := rows[each.stop - 1])]),
            n_rows=each.stop - each.start,
            started_at=cell(order, first),
            ended_at=cell(order, last),
            strangest_at=cell(order, rows[each.peak]),
            user_id=cell(group, first) if of_users else None,
            series=None if of_users else cell(group, first),
            score=each.score,
            p_value=each.p_value,
            contributions=reasons[rows[each.peak]],
        )
        for each in found
    )


def _layout(loaded: LoadedDetector) -> tuple[str, str]:
    """The columns that tell when a row was, and which series it is of; empty: none does."""
    assert isinstance(loaded.detector, SeriesDetector)
    layout = loaded.detector.layout
    return ("occurred_at" if loaded.settings.over == "sequences" else layout.order), layout.group


def reasons_of(
    detector: Detector, table: RowTable, rows: list[int]
) -> dict[int, tuple[Contribution, ...]]:
    """The contributions of some rows, by their place here."""
    if not rows:
        return {}
    explained, _ = explain(detector, table.columns, rows)
    return {each.row: tuple(map(_plain, each.contributions)) for each in explained}


def _plain(contribution: Contribution) -> Contribution:
    """A missing number is None, as JSON has it."""
    missing = contribution.observed != contribution.observed
    return replace(contribution, observed=None) if missing else contribution
