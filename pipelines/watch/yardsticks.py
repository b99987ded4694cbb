"""What a finding is judged by: usual scores, its threshold with labels, and others beside it.

Not how a label is given: `labelling.py`.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from sqlalchemy.orm import Session
from torch import Tensor

from models.scoring.calibration import SAME
from models.scoring.labels import Cut, Labels, cut_among, cut_at
from pipelines.storage import labels as storage
from pipelines.storage import runs
from pipelines.storage.anomalies import WATCH, StoredAnomaly
from pipelines.storage.looks import StoredLook, last_look
from pipelines.watch.config import watch_config_of
from pipelines.watch.found_rows import found_rows, labels_of_detector
from pipelines.watch.loading import LoadedDetector
from pipelines.watch.user_labels import labels_of


class Yardstick(Protocol):
    """What findings of one source are judged by."""

    def labels(self, session: Session) -> Labels:
        """The labelled scores of its findings."""
        ...

    def cut(self, alert_rate: float, labels: Labels) -> Cut:
        """Where alerts begin."""
        ...

    def found(self, session: Session) -> Tensor:
        """The scores of all its findings, (n_found,)."""
        ...

    def heed(self, session: Session) -> None:
        """Let its findings be called anomalies as labels have it."""
        ...


@dataclass(frozen=True)
class LookYardstick:
    """Of what the last look of the watch at a subject found."""

    subject: str
    look: StoredLook

    def labels(self, session: Session) -> Labels:
        return labels_of(session, subject=self.subject, source=self.look.source)

    def cut(self, alert_rate: float, labels: Labels) -> Cut:
        scores = torch.tensor(self.look.scores, dtype=torch.float64)
        return (cut_among if self.look.among else cut_at)(alert_rate, scores, labels)

    def found(self, session: Session) -> Tensor:
        return torch.tensor(storage.found_scores(session, **self._of()), dtype=torch.float64)

    def heed(self, session: Session) -> None:
        """At the alert rate of the run that looked; discoveries have no threshold, and stay."""
        run_id = storage.last_run_id(session, **self._of())
        run = None if run_id is None else runs.get_run(session, run_id=run_id)
        if run is None:
            return
        config = watch_config_of(run.settings)
        if self.look.among or config.false_discovery_rate is None:
            cut = self.cut(config.alert_rate, self.labels(session))
            storage.set_alarms(session, **self._of(), threshold=cut.threshold, same=SAME)

    def _of(self) -> dict[str, str]:
        return {"finder": WATCH, "subject": self.subject, "source": self.look.source}


@dataclass(frozen=True)
class DetectorYardstick:
    """Of what a detector found."""

    loaded: LoadedDetector

    def labels(self, session: Session) -> Labels:
        return labels_of_detector(session, self.loaded)

    def cut(self, alert_rate: float, labels: Labels) -> Cut:
        return cut_at(alert_rate, self.loaded.detector.calibration, labels)

    def found(self, session: Session) -> Tensor:
        return found_rows(session, self.loaded).scores

    def heed(self, session: Session) -> None:
        """Rows are judged when they are scored: what was kept says what was answered then."""


def last_yardstick(session: Session, anomaly: StoredAnomaly) -> LookYardstick | None:
    """What a finding of the watch is judged by; None where its source is not that of the last look
    at its subject.
    """
    look = last_look(session, finder=WATCH, subject=anomaly.subject)
    if look is None or look.source not in (anomaly.source, anomaly.labelled_source):
        return None
    return LookYardstick(anomaly.subject, look)
