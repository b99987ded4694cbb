"""Reports of drift as they are shown: with an alert, or why nothing is known. Not how they come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from models.scoring.drift import Comparison
from pipelines.storage.anomalies import WATCH
from pipelines.storage.drifts import get_drift, list_drifts
from pipelines.storage.watch_tables import Drift

NONE, DRIFTED, UNKNOWN = "none", "drifted", "unknown"
NOBODY: Final = "Nobody looked yet: `hourglass watch` and POST /v1/runs with the config `watch` do."
NO_ARTIFACT: Final = "Nothing is trained yet: `hourglass train denoising` trains."
NOT_KEPT: Final = (
    "The artifact was trained before its inputs were kept, or too few examples are there: "
    "`needed` says how many; `hourglass train` keeps them."
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
    reports = tuple(_report(row) for row in list_drifts(session))
    statuses = {report.status for report in reports}
    status = next((each for each in (DRIFTED, NONE) if each in statuses), UNKNOWN)
    return Drifts(status, reports, None if reports else NOBODY)


def report_of(session: Session, finder: str) -> Report:
    """The last report of one who looked."""
    row = get_drift(session, finder=finder)
    assert row is not None
    return _report(row)


def _report(row: Drift) -> Report:
    note = None
    if row.status == UNKNOWN:
        note = NO_ARTIFACT if row.source is None else NOT_KEPT
    return Report(
        finder=row.finder,
        source=row.source,
        status=row.status,
        inputs=tuple({"input": name, **row.inputs[name]} for name in sorted(row.inputs)),
        alert=_alert(row),
        note=note,
        run_id=row.run_id,
        measured_at=row.measured_at,
    )


def _alert(row: Drift) -> Alert | None:
    if row.status != DRIFTED:
        return None
    drifted = {name: each for name, each in sorted(row.inputs.items()) if each["drifted"]}
    named = ", ".join(f"{name} (PSI {each['psi']:.2f})" for name, each in drifted.items())
    if row.finder == WATCH:
        remedy = (
            "Train again: `hourglass train CONFIG`, or whenever it happens: `hourglass schedules "
            "set NAME --config CONFIG --on-drift`."
        )
    else:
        remedy = "Fit a new detector to present rows: POST /v1/detectors."
    return Alert(f"Drifted since {row.source} was trained: {named}.", remedy)
