"""What is asked of detectors from outside: a plan, scores. Not how either is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine

from pipelines.errors import FieldError, InvalidInput
from pipelines.storage.engine import reading, writing
from pipelines.watch.asking import check_rows
from pipelines.watch.drift_reports import Report
from pipelines.watch.fitting import plan_fit
from pipelines.watch.found_rows import labels_of_detector
from pipelines.watch.keeping import keep_rows
from pipelines.watch.loading import LoadedDetector
from pipelines.watch.plans import Plan
from pipelines.watch.row_drift import report_drift
from pipelines.watch.row_table import RowTable
from pipelines.watch.scoring import Rule, ScoredRows, score_rows, table_to_score
from pipelines.watch.settings import IN_ORDER, SENT, DetectorSettings
from pipelines.watch.stored import drawn_to_fit, what_is_stored

MAX_SCORED: Final = 10_000
"""Rows that are scored in one request."""
MAX_EXPLAINED: Final = 100_000
"""Contributions in one answer."""
STRANGEST: Final = 100
"""Of all that is stored, so many are shown unless the caller says."""


@dataclass(frozen=True)
class Wanted:
    """What is to be scored, and shown.

    rows: JSON objects, or a table that was read. ids: of users or items; None without rows: all.
    n: only the strangest, so many. keep: whether they are kept as findings that can be labelled.
    """

    rows: Sequence[Any] | RowTable | None = None
    ids: Sequence[str] | None = None
    contributions: bool = True
    n: int | None = None
    keep: bool = False


def plan_detector(engine: Engine, settings: DetectorSettings, table: RowTable | None) -> Plan:
    """What a fit would use. Raises InvalidInput; NotReady where nothing is stored."""
    check_rows(settings, sent=table is not None)
    if table is None:
        with reading(engine) as session:
            table = drawn_to_fit(what_is_stored(session, settings), settings)
    return plan_fit(table, settings)


def score_wanted(
    engine: Engine, loaded: LoadedDetector, wanted: Wanted, rule: Rule, *, now: datetime
) -> ScoredRows:
    """Score what is wanted. Raises InvalidInput for what the detector is not over, or too much."""
    table = _table(engine, loaded, wanted)
    n = STRANGEST if wanted.n is None and wanted.rows is None and wanted.ids is None else wanted.n
    _check_size(table, wanted, n, len(loaded.detector.column_names))
    with reading(engine) as session:
        labels = labels_of_detector(session, loaded)
    keeps_rows = wanted.keep and loaded.settings.over not in IN_ORDER  # of others, stretches
    scored = score_rows(
        loaded,
        table,
        rule,
        strangest=n,
        explained=None if wanted.contributions or keeps_rows else 0,
        labels=labels,
    )
    if not wanted.keep:
        return scored
    with writing(engine) as session:
        return keep_rows(session, loaded, scored, now=now)


def drift_of_wanted(
    engine: Engine, loaded: LoadedDetector, wanted: Wanted, *, now: datetime
) -> Report:
    """Whether what is wanted has drifted from training. Raises InvalidInput as `score_wanted`."""
    return report_drift(engine, loaded, _table(engine, loaded, wanted), now=now)


def _table(engine: Engine, loaded: LoadedDetector, wanted: Wanted) -> RowTable:
    """The rows that are wanted. Raises InvalidInput for what the detector is not over."""
    _check_kind(loaded, wanted)
    if wanted.rows is None:
        with reading(engine) as session:
            table = what_is_stored(session, loaded.settings, ids=wanted.ids)
    elif isinstance(wanted.rows, RowTable):
        table = wanted.rows
    else:
        table = table_to_score(loaded, wanted.rows)
    return table


def _check_kind(loaded: LoadedDetector, wanted: Wanted) -> None:
    over = loaded.settings.over
    if over in SENT and wanted.rows is None:
        detail = f"This detector is over a {over}; send `rows`, or a body of CSV or Parquet."
        raise InvalidInput(detail, errors=[FieldError("/rows", detail)])
    if over in SENT and wanted.ids is not None:
        detail = f"This detector is over a {over}, whose rows have no ids; leave `ids` out."
        raise InvalidInput(detail, errors=[FieldError("/ids", detail)])
    if over not in SENT and wanted.rows is not None:
        detail = f"This detector is over {over}; send `ids`, or neither for all."
        raise InvalidInput(detail, errors=[FieldError("/rows", detail)])


def _check_size(table: RowTable, wanted: Wanted, n: int | None, n_columns: int) -> None:
    """n: how many are shown; None: all that were sent. n_columns: that are told of each of them."""
    if len(table) > MAX_SCORED and n is None:
        sent = "ids" if wanted.rows is None else "rows"
        detail = (
            f"{len(table):,} rows are more than are shown at once; ask for at most {MAX_SCORED:,}, "
            "or for the `n` strangest."
        )
        raise InvalidInput(detail, errors=[FieldError(f"/{sent}", detail)])
    shown = len(table) if n is None else min(n, len(table))
    if (wanted.contributions or wanted.keep) and shown * n_columns > MAX_EXPLAINED:
        asked = " and ".join(f"`{k}`" for k in ("keep", "contributions") if getattr(wanted, k))
        detail = (
            f"{shown:,} rows of {n_columns} columns have too many contributions for one answer; "
            f"ask for the {MAX_EXPLAINED // n_columns:,} strangest at most, by `n`, or ask without "
            f"{asked}."
        )
        raise InvalidInput(detail, errors=[FieldError("/n", detail)])
