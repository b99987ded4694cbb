"""Labels of findings: what giving one, or taking it back, does at once. Not what a label does by
request: `reweighting.py`.

Nothing but the label is written. Whoever judges a score reads the labels of its source, so that
every process follows in the same moment, and taking a label back restores all.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import torch
from sqlalchemy.orm import Session
from torch import Tensor

from models.scoring.labels import MOVED, Labels, cut_at
from pipelines.errors import Conflict, NotFound
from pipelines.predictor.predictor import Predictor
from pipelines.storage import labels as storage
from pipelines.storage.anomalies import WATCH, get_anomaly
from pipelines.watch.found_rows import found_rows, labels_of_detector
from pipelines.watch.loading import LoadedDetector, LoadedDetectors
from pipelines.watch.user_labels import labels_of_users

NO_THRESHOLD = "No threshold of this source is kept: the label is stored, and moves nothing."


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


class Yardstick(Protocol):
    """What findings of one source are judged by."""

    def calibration(self) -> Tensor:
        """Scores of usual examples, (n,)."""
        ...

    def labels(self, session: Session) -> Labels:
        """The labelled scores of its findings."""
        ...

    def found(self, session: Session) -> Tensor:
        """The scores of all its findings, (n_found,)."""
        ...


@dataclass(frozen=True)
class UsersYardstick:
    """Of users by an artifact."""

    predictor: Predictor

    def calibration(self) -> Tensor:
        return self.predictor.calibration.scores

    def labels(self, session: Session) -> Labels:
        return labels_of_users(session, self.predictor.artifact_id)

    def found(self, session: Session) -> Tensor:
        source = self.predictor.artifact_id
        found = storage.found_scores(session, finder=WATCH, subject="user", source=source)
        return torch.tensor(found, dtype=torch.float64)


@dataclass(frozen=True)
class DetectorYardstick:
    """Of what a detector found."""

    loaded: LoadedDetector

    def calibration(self) -> Tensor:
        return self.loaded.detector.calibration

    def labels(self, session: Session) -> Labels:
        return labels_of_detector(session, self.loaded)

    def found(self, session: Session) -> Tensor:
        return found_rows(session, self.loaded).scores


def yardstick_of(
    session: Session, anomaly_id: str, *, predictor: Predictor | None, detectors: LoadedDetectors
) -> Yardstick | None:
    """What a finding is judged by; None where that is not at hand: another artifact than the active
    one, say. Raises what loading a detector raises.
    """
    anomaly = get_anomaly(session, anomaly_id=anomaly_id)
    if anomaly is None:
        return None
    if anomaly.finder != WATCH:
        return DetectorYardstick(detectors.get(anomaly.finder))
    source = anomaly.labelled_source or anomaly.source
    if anomaly.subject == "user" and predictor is not None and source == predictor.artifact_id:
        return UsersYardstick(predictor)
    return None


def label_anomaly(
    session: Session,
    *,
    anomaly_id: str,
    label: str | None,
    note: str | None = None,
    yardstick: Yardstick | None,
    alert_rate: float,
    now: datetime,
) -> Relabelled:
    """Give a finding a label; None takes it back. Raises NotFound; Conflict for a second label, or
    none to take back.
    """
    row = storage.lock_anomaly(session, anomaly_id=anomaly_id)
    if row is None:
        raise NotFound(
            f"There is no anomaly {anomaly_id!r}; GET /v1/anomalies and `hourglass anomalies list` "
            "list what there is now."
        )
    _check(anomaly_id, row.label, label)
    before = _state(session, yardstick, alert_rate)
    storage.set_label(session, anomaly_id=anomaly_id, label=label, note=note, now=now)
    after = _state(session, yardstick, alert_rate)
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
    cut = cut_at(alert_rate, yardstick.calibration(), labels)
    n_alerts = cut.alerts(yardstick.found(session))
    return ThresholdState(
        cut.threshold, cut.promised_rate, cut.labelled_errors, n_alerts, len(labels)
    )


def _notes(after: ThresholdState | None, alert_rate: float) -> tuple[str, ...]:
    if after is None:
        return (NO_THRESHOLD,)
    return (MOVED,) if after.promised_rate > alert_rate else ()
