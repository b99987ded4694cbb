"""Labels of findings: what giving one, or taking it back, does at once. Not what a label does by
request: `reweighting.py`.

Whoever judges a score reads the labels of its source, so that every process follows in the same
moment; what the last look found is called an anomaly anew. Both are reckoned from the labels that
there are, so that taking one back restores all.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.scoring.labels import MOVED
from pipelines.errors import Conflict
from pipelines.storage import labels as storage
from pipelines.storage.anomalies import WATCH, hold_findings
from pipelines.storage.engine import reading, writing
from pipelines.watch.loading import LoadedDetectors
from pipelines.watch.showing import found_anomaly
from pipelines.watch.yardsticks import DetectorYardstick, Yardstick, last_yardstick

NO_THRESHOLD: Final = (
    "No threshold moves: what found this has none, or is not what looked last at its subject."
)


@dataclass(frozen=True)
class ThresholdState:
    """What labels make of an alert rate: its threshold (None: nothing is an anomaly), the rate that
    can be promised there, wrongly judged labels, and how many of the findings are alerts.
    """

    threshold: float | None
    promised_rate: float
    labelled_errors: int
    n_alerts: int
    n_labels: int


@dataclass(frozen=True)
class Relabelled:
    """A finding whose label changed, and what that changed of its subject and source."""

    anomaly_id: str
    label: str | None
    note: str | None
    alert_rate: float
    before: ThresholdState | None
    after: ThresholdState | None
    notes: tuple[str, ...]


def label_anomaly(
    engine: Engine,
    detectors: LoadedDetectors,
    *,
    anomaly_id: str,
    label: str | None,
    note: str | None = None,
    alert_rate: float,
    now: datetime,
) -> Relabelled:
    """Give a finding a label; None takes it back. Raises NotFound; Conflict for a second label, or
    none to take back; what loading a detector raises.
    """
    with reading(engine) as session:
        found = found_anomaly(session, anomaly_id)
    loaded = None if found.finder == WATCH else detectors.get(found.finder)
    with writing(engine) as session:
        hold_findings(session, finder=found.finder, subject=found.subject)
        found = found_anomaly(session, anomaly_id)
        _check(anomaly_id, found.label, label)
        yardstick = DetectorYardstick(loaded) if loaded else last_yardstick(session, found)
        before = _state(session, yardstick, alert_rate)
        storage.set_label(session, anomaly_id=anomaly_id, label=label, note=note, now=now)
        after = _state(session, yardstick, alert_rate)
        if yardstick is not None:
            yardstick.heed(session)
    return Relabelled(anomaly_id, label, note, alert_rate, before, after, _notes(after, alert_rate))


def _check(anomaly_id: str, present: str | None, label: str | None) -> None:
    """Raise Conflict for a second label, or none to take back."""
    undo = (
        f"DELETE /v1/anomalies/{anomaly_id}/feedback or `hourglass anomalies label {anomaly_id} "
        "--undo` takes it back"
    )
    if label is not None and present is not None:
        raise Conflict(f"The anomaly is labelled {present} already; {undo}, then label it anew.")
    if label is None and present is None:
        raise Conflict("The anomaly has no label; there is nothing to take back.")


def _state(
    session: Session, yardstick: Yardstick | None, alert_rate: float
) -> ThresholdState | None:
    if yardstick is None:
        return None
    labels = yardstick.labels(session)
    cut = yardstick.cut(alert_rate, labels)
    n_alerts = cut.alerts(yardstick.found(session))
    return ThresholdState(
        cut.threshold, cut.promised_rate, cut.labelled_errors, n_alerts, len(labels)
    )


def _notes(after: ThresholdState | None, alert_rate: float) -> tuple[str, ...]:
    if after is None:
        return (NO_THRESHOLD,)
    return (MOVED,) if after.promised_rate > alert_rate else ()
