"""Rows scored by a detector: what is strange at the rate asked for, and why. Not how it is fitted.

Good rows are scored, bad ones listed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final

import torch
from torch import Tensor

from models.detectors.cells import RowProblem
from models.detectors.explanation import Contribution
from models.detectors.told import Scored
from models.scoring.calibration import discoveries, shortage
from models.scoring.calibration import p_values as calibrated
from models.scoring.labels import MOVED, NO_LABELS, Cut, Labels, cut_at, with_labels
from pipelines.errors import FieldError, InvalidInput
from pipelines.watch.found_stretches import FoundStretch, found_stretches, reasons_of
from pipelines.watch.loading import LoadedDetector
from pipelines.watch.row_table import Kinds, RowTable
from pipelines.watch.settings import refusals
from pipelines.watch.table_files import table_of_rows

ALERT_RATE: Final = 0.01
"""The share of usual rows that may be called anomalies, unless the caller says."""
MAX_ERRORS: Final = 20
"""Columns or rows that an error names."""


@dataclass(frozen=True)
class Rule:
    """When a row is an anomaly: at a share of usual rows, or at a share of false anomalies."""

    alert_rate: float | None = None
    false_discovery_rate: float | None = None

    def __post_init__(self) -> None:
        if self.alert_rate is not None and self.false_discovery_rate is not None:
            detail = "Choose either alert_rate or false_discovery_rate, not both."
            raise InvalidInput(detail, errors=[FieldError("/false_discovery_rate", detail)])
        for name in ("alert_rate", "false_discovery_rate"):
            rate = getattr(self, name)
            if rate is not None and not 0 < rate < 1:
                detail = f"{name} is {rate:g}; it must be above 0 and below 1."
                raise InvalidInput(detail, errors=[FieldError(f"/{name}", detail)])


@dataclass(frozen=True)
class ScoredRow:
    """A row that could be scored; `row` is its number in what was sent, counted from 0. Of what is
    stored the user or the item is named.

    `p_value` is None where no rows were held out; the contributions sum to the score.
    """

    row: int
    user_id: str | None
    item_id: str | None
    anomaly_score: float
    p_value: float | None
    is_anomaly: bool
    contributions: tuple[Contribution, ...]
    anomaly_id: str | None = None
    """Of the finding, where it is kept."""


@dataclass(frozen=True)
class ScoredRows:
    """The scored rows, and what is wrong with the others. `n_anomalies` counts all, shown or not.

    `threshold` is the score above which a row is an anomaly; None where the rule needs none, or
    cannot be kept: then a note says so.
    """

    detector_id: str | None
    rows: tuple[ScoredRow, ...]
    problems: tuple[RowProblem, ...]
    n_scored: int
    n_anomalies: int
    threshold: float | None
    alert_rate: float | None
    false_discovery_rate: float | None
    n_calibration: int
    notes: tuple[str, ...]
    promised_rate: float | None = None
    """At most that share of usual rows is above the threshold; None without a threshold."""
    version: int = 0
    stretches: tuple[FoundStretch, ...] | None = None
    """Of series, the strangest first; None where rows do not follow each other."""


def score_rows(
    loaded: LoadedDetector,
    table: RowTable,
    rule: Rule,
    *,
    strangest: int | None = None,
    explained: int | None = None,
    labels: Labels = NO_LABELS,
) -> ScoredRows:
    """Score the rows of a table: all in their order, or so many, the strangest first.

    explained: so many of those get contributions; None: all. labels: of its findings, which move
    the threshold. Raises InvalidInput where columns are not the detector's.
    """
    detector = loaded.detector
    rule = rule if rule.false_discovery_rate else Rule(rule.alert_rate or ALERT_RATE)
    whole = table.with_gaps() if loaded.settings.over == "series" else table
    table = with_its_columns(loaded, whole)
    with refusals(table):
        scored = detector.score(table.columns)
    known = with_labels(detector.calibration, labels)
    scored = replace(scored, p_values=calibrated(scored.scores, known) if len(known) else None)
    anomalies, cut, notes = _judged(detector.calibration, rule, scored, labels, len(known))
    shown = _shown(scored, strangest)
    return ScoredRows(
        detector_id=loaded.detector_id,
        rows=_scored_rows(loaded, table, whole, scored, anomalies, shown, explained),
        problems=table.told(scored.problems),
        n_scored=len(scored.rows),
        n_anomalies=sum(anomalies),
        threshold=cut.threshold if cut else None,
        alert_rate=rule.alert_rate,
        false_discovery_rate=rule.false_discovery_rate,
        n_calibration=len(known),
        notes=notes,
        promised_rate=cut.promised_rate if cut and cut.threshold is not None else None,
        version=loaded.version,
        stretches=found_stretches(loaded, whole, scored, anomalies, most=strangest),
    )


def _shown(scored: Scored, strangest: int | None) -> list[int]:
    """The places of those that are shown, in their order."""
    if strangest is None:
        return torch.argsort(scored.rows).tolist()
    return torch.argsort(scored.scores, descending=True, stable=True)[:strangest].tolist()


def _scored_rows(
    loaded: LoadedDetector,
    table: RowTable,
    whole: RowTable,
    scored: Scored,
    anomalies: list[bool],
    shown: list[int],
    n_explained: int | None,
) -> tuple[ScoredRow, ...]:
    """Those of the scored rows that are shown, by their places among them. whole: the table with
    the columns that are passed over.
    """
    places = scored.rows.tolist()
    scores = scored.scores.tolist()
    p_values = None if scored.p_values is None else scored.p_values.tolist()
    asked = [places[num] for num in shown[:n_explained]]
    explained = reasons_of(loaded.detector, table, asked)
    users, items = _whose(loaded.settings.over, whole)
    return tuple(
        ScoredRow(
            row=int(table.numbers[places[num]]),
            user_id=users[places[num]] if users else None,
            item_id=items[places[num]] if items else None,
            anomaly_score=scores[num],
            p_value=None if p_values is None else p_values[num],
            is_anomaly=anomalies[num],
            contributions=explained.get(places[num], ()),
        )
        for num in shown
    )


def _whose(over: str, table: RowTable) -> tuple[Sequence[str] | None, Sequence[str] | None]:
    """The users that rows are of, and the items; None where they are of none."""
    if over == "sequences":
        return table.ids, list(table.columns["item_id"])
    return (table.ids, None) if over == "users" else (None, table.ids)


def table_to_score(loaded: LoadedDetector, rows: Sequence[Any]) -> RowTable:
    """The table of JSON objects with the columns of a detector; columns that it passes over may be
    there. Raises InvalidInput where no row has its columns.
    """
    extra = set(loaded.passed_over)
    plain = [
        {name: value for name, value in row.items() if name not in extra}
        if isinstance(row, Mapping)
        else row
        for row in rows
    ]
    table = table_of_rows(plain, names=list(kinds_of(loaded)))
    if rows and not len(table):
        first = table.problems[:MAX_ERRORS]
        detail = f"No row has the columns that the detector was fitted on. {first[0].detail}"
        raise InvalidInput(
            detail, errors=[FieldError(f"/rows/{each.row}", each.detail) for each in first]
        )
    return table


def kinds_of(loaded: LoadedDetector) -> Kinds:
    """What the columns hold that the detector was fitted on, in their order."""
    return loaded.detector.takes


def with_its_columns(loaded: LoadedDetector, table: RowTable) -> RowTable:
    """The table without the columns that are passed over. Raises InvalidInput that names each
    column that is missing or that nobody knows.
    """
    known, extra = kinds_of(loaded), loaded.passed_over
    given = [name for name in table.columns if name not in extra or name in known]
    missing = [name for name in known if name not in given]
    unknown = [name for name in given if name not in known]
    details = {name: f"The column {name!r} is missing." for name in missing}
    for name in unknown:
        nearest = get_close_matches(name, missing or known, n=1)
        hint = f" Is it {nearest[0]!r}?" if nearest else " Leave it out."
        details[name] = f"The detector was fitted without a column {name!r}.{hint}"
    if details:
        errors = [FieldError(f"/columns/{name}", detail) for name, detail in details.items()]
        told = " ".join(details.values())
        raise InvalidInput(
            f"These are not the columns of the detector. {told}", errors=errors[:MAX_ERRORS]
        )
    return table.only(given)


def _judged(
    calibration: Tensor, rule: Rule, scored: Scored, labels: Labels, n_calibration: int
) -> tuple[list[bool], Cut | None, tuple[str, ...]]:
    """Which rows are anomalies, where alerts begin, and what is to be said of that."""
    scores = scored.scores
    if scored.p_values is None:
        note = "No rows were held out when the detector was fitted: nothing can be promised."
        return [False] * len(scores), None, (note,)
    if rule.false_discovery_rate is not None:
        rate = rule.false_discovery_rate
        found: list[bool] = discoveries(scored.p_values, rate).tolist()
        return found, None, _few_to_discover(rate, n_calibration, len(scores))
    assert rule.alert_rate is not None
    cut = cut_at(rule.alert_rate, calibration, labels)
    lacking = shortage(rule.alert_rate, n_calibration)
    notes = [lacking] if lacking else []
    if cut.threshold is None:
        return [False] * len(scores), cut, tuple(notes)
    above: list[bool] = (scores > cut.threshold).tolist()
    return above, cut, (*notes, *([MOVED] if cut.moved else []))


def _few_to_discover(rate: float, n_calibration: int, n_rows: int) -> tuple[str, ...]:
    """A lone anomaly among many rows needs a p-value of rate / n_rows."""
    needed = round(n_rows / rate) - 1
    if n_calibration >= needed:
        return ()
    note = (
        f"{n_calibration:,} calibration scores cannot single out one anomaly among {n_rows:,} rows "
        f"at a false-discovery rate of {rate:g}: that takes {needed:,}. Several can be found."
    )
    return (note,)
