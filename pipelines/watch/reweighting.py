"""A detector weighed anew by the labels of its findings: asked for, looked at, undone.

A run does it (`weight_steps.py`); until it is done the former weights score. Not the arithmetic:
models/detectors/reweighting.py.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy.orm import Session

from pipelines.errors import Conflict
from pipelines.storage import runs, weights
from pipelines.storage.tables import Run
from pipelines.watch.asking import held_detector
from pipelines.watch.found_rows import found_rows
from pipelines.watch.loading import LoadedDetector

WEIGHTS: Final = "weights"
"""What a run is about that weighs a detector anew."""
CONFIG: Final = "reweight"
"""The name of such runs."""


@dataclass(frozen=True)
class Weighed:
    """Which weights a detector has: `version` 0 are those that it was fitted with."""

    detector_id: str
    version: int
    weights: dict[str, float]
    figures: dict[str, Any] | None
    """Before and after, of the version."""


@dataclass(frozen=True)
class ReweightConfig:
    """What a run is to weigh anew."""

    detector_id: str

    name: ClassVar[str] = CONFIG
    subject: ClassVar[str] = WEIGHTS

    def values(self) -> dict[str, Any]:
        """As the run's row has it."""
        return {"subject": self.subject, "detector_id": self.detector_id}


def reweight_config(session: Session, loaded: LoadedDetector) -> ReweightConfig:
    """The config of a run that weighs it anew. Raises Conflict without labels of both sorts."""
    detector_id = loaded.detector_id or ""
    _, is_right = found_rows(session, loaded).labelled()
    n_right, n_false = int(is_right.sum()), int((~is_right).sum())
    if not (n_right and n_false):
        raise Conflict(
            f"Of what {detector_id} found {n_right} are labelled right and {n_false} false "
            "alarms; weighing its columns takes at least one of each. Keep findings (`keep` in "
            f"POST /v1/detectors/{detector_id}/score; over what is stored also `hourglass watch`), "
            "then POST /v1/anomalies/{id}/feedback, or `hourglass anomalies label`."
        )
    return ReweightConfig(detector_id)


def request_reweight(session: Session, loaded: LoadedDetector, *, now: datetime) -> Run:
    """Ask a worker to weigh a detector anew. Raises as `reweight_config`."""
    config = reweight_config(session, loaded)
    return runs.add_run(
        session, run_id=uuid.uuid4().hex, config=config.name, settings=config.values(), now=now
    )


def undo_reweight(session: Session, loaded: LoadedDetector) -> Weighed:
    """Take the newest weights away: those before them score again. Raises NotFound, Conflict."""
    detector_id = loaded.detector_id or ""
    held_detector(session, detector_id)
    if weights.delete_last_weights(session, detector_id=detector_id) is None:
        raise Conflict(
            f"Detector {detector_id} has the weights that it was fitted with; there is nothing to "
            "undo."
        )
    return weighed(session, loaded)


def weighed(session: Session, loaded: LoadedDetector) -> Weighed:
    """The weights that a detector has now."""
    detector_id = loaded.detector_id or ""
    last = weights.last_weights(session, detector_id=detector_id)
    if last is None:
        plain = dict.fromkeys(loaded.weights, 1.0)
        return Weighed(detector_id, 0, plain, None)
    return Weighed(detector_id, last.version, last.weights, last.figures)
