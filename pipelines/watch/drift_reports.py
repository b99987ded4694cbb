"""Reports of drift as they are shown: with an alert, or why nothing is known. Not how they come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from models.scoring.drift import Comparison
from pipelines.storage.anomalies import WATCH
from pipelines.storage.artifacts import active_artifact_id
from pipelines.storage.drifts import get_drift, list_drifts
from pipelines.storage.watch_tables import Drift

NONE, DRIFTED, UNKNOWN = "none", "drifted", "unknown"
RETRAINED: Final = "retrained"
"""Whose report is of users since the last training, where that is not live."""
OF_USERS: Final = (WATCH, RETRAINED)
NOBODY: Final = "Nobody looked yet: `hourglass watch` and POST /v1/runs with the config `watch` do."
NO_ARTIFACT: Final = "Nothing is trained yet: `hourglass train denoising` trains."
NOT_KEPT: Final = (
    "The artifact was trained before its inputs were kept: train again, `hourglass train CONFIG`."
)
ROWS_NOT_KEPT: Final = (
    "The detector was fitted before its rows were described: fit another, POST /v1/detectors."
)
TOO_FEW: Final = (
    "Too few examples are there to tell: `needed` says of each input how many it takes; where that "
    "is 0, too few were there in training, whatever comes."
)


@dataclass(frozen=True)
class Alert:
    """Why a report wants something done, and what."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class Report:
    """The last report of one who looks."""

    finder: str
    source: str | None
    status: str
    inputs: tuple[Mapping[str, Any], ...]
    alert: Alert | None
    note: str | None
    run_id: str | None
    measured_at: datetime


@dataclass(frozen=True)
class Drifts:
    """All that is known: `drifted` if any report says so."""

    status: str
    reports: tuple[Report, ...]
    note: str | None


def drift_to_train_on(session: Session) -> Drift | None:
    """The last report of users, where another training may help: they drifted from those of the
    active artifact's training, and from those of the last training too, if that is another.
    """
    report = get_drift(session, finder=WATCH)
    if report is None or report.status != DRIFTED:
        return None
    since = get_drift(session, finder=RETRAINED)
    is_live = report.source == active_artifact_id(session)
    return report if is_live and not _is_known(since) else None


def _is_known(since: Drift | None) -> bool:
    """Whether the last training, which is not live, is known to be like what is stored now."""
    return since is not None and since.status == NONE


def status_of(compared: Mapping[str, Comparison]) -> str:
    """Of all inputs: unknown where not one could be told."""
    if any(each.drifted for each in compared.values()):
        return DRIFTED
    return NONE if any(each.psi is not None for each in compared.values()) else UNKNOWN


def told(compared: Mapping[str, Comparison]) -> dict[str, dict[str, Any]]:
    """Comparisons as plain values."""
    return {name: {**vars(each), "drifted": each.drifted} for name, each in compared.items()}


def known_drifts(session: Session) -> Drifts:
    """The last report of each who looks."""
    rows = list_drifts(session)
    since = next((row for row in rows if row.finder == RETRAINED), None)
    reports = tuple(_report(row, since) for row in rows)
    statuses = {report.status for report in reports}
    status = next((each for each in (DRIFTED, NONE) if each in statuses), UNKNOWN)
    return Drifts(status, reports, None if reports else NOBODY)


def report_of(session: Session, finder: str) -> Report:
    """The last report of one who looked."""
    row = get_drift(session, finder=finder)
    assert row is not None
    return _report(row, None)


def _report(row: Drift, since: Drift | None) -> Report:
    """since: what was found beside the last training, where that is not live."""
    return Report(
        finder=row.finder,
        source=row.source,
        status=row.status,
        inputs=tuple({"input": name, **row.inputs[name]} for name in sorted(row.inputs)),
        alert=_alert(row, since),
        note=_note(row) if row.status == UNKNOWN else None,
        run_id=row.run_id,
        measured_at=row.measured_at,
    )


def _note(row: Drift) -> str:
    """Why nothing is known."""
    if row.source is None:
        return NO_ARTIFACT
    if row.inputs:
        return TOO_FEW
    return NOT_KEPT if row.finder in OF_USERS else ROWS_NOT_KEPT


def _alert(row: Drift, since: Drift | None) -> Alert | None:
    if row.status != DRIFTED:
        return None
    drifted = {name: each for name, each in sorted(row.inputs.items()) if each["drifted"]}
    named = ", ".join(f"{name} (PSI {each['psi']:.2f})" for name, each in drifted.items())
    return Alert(f"Drifted since {row.source} was trained: {named}.", _remedy(row, since))


def _remedy(row: Drift, since: Drift | None) -> str:
    if row.finder not in OF_USERS:
        return "Fit a new detector to present rows: POST /v1/detectors."
    if row.finder == WATCH and since is not None and _is_known(since):
        return (
            f"{since.source} was trained since, and was not promoted: `hourglass runs list` says "
            f"why; `hourglass artifacts promote {since.source}` lets it answer nevertheless."
        )
    return (
        "Train again: `hourglass train CONFIG`, or whenever it happens: `hourglass schedules set "
        "NAME --config CONFIG --on-drift`."
    )
