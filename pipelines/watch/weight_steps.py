"""The step of a run that weighs a detector anew by the labels of its findings: one transaction.

Not how it is asked for, or undone: `reweighting.py`.
"""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from models.detectors.reweighting import reweight
from models.scoring.labels import cut_at
from pipelines.runs.reporting import RunCancelled
from pipelines.runs.steps import Parts, Step, check_running
from pipelines.storage import runs, weights
from pipelines.storage.detectors import lock_detector
from pipelines.storage.engine import reading, writing
from pipelines.training.progress import Progress
from pipelines.watch.fit_steps import DELETED
from pipelines.watch.found_rows import FoundRows, found_rows, labels_of_detector
from pipelines.watch.loading import LoadedDetector, hold, load_detector, named_weights
from pipelines.watch.scoring import ALERT_RATE
from pipelines.watch.settings import refusals


def weigh(parts: Parts) -> None:
    """Find the new weights, and let the detector score by them from now on. Raises RunCancelled,
    InvalidInput where labels were taken back meanwhile, and Conflict where weights were.
    """
    parts.on_progress(Progress("weighing", 0, 1))
    loaded = load_detector(parts.engine, parts.store, parts.settings["detector_id"])
    with reading(parts.engine) as session:
        found = found_rows(session, loaded)
    with refusals():
        done = reweight(loaded.detector, *found.labelled())
    after = replace(loaded, detector=done.detector, version=loaded.version + 1)
    now = datetime.now(UTC)
    with writing(parts.engine) as session:
        check_running(runs.lock_run(session, run_id=parts.run_id), parts.run_id)
        if lock_detector(session, detector_id=loaded.detector_id or "") is None:
            raise RunCancelled(DELETED)
        hold(session, loaded)
        figures = {
            "n_labels": sum(label is not None for label in found.labels),
            "before": {**asdict(done.before), **_alerts(session, loaded, found)},
            "after": {**asdict(done.after), **_alerts(session, after, found)},
        }
        version = weights.add_weights(
            session,
            detector_id=loaded.detector_id or "",
            weights=named_weights(done.detector),
            figures=figures,
            run_id=parts.run_id,
            now=now,
        )
        metrics = {"version": version, **figures}
        runs.update_run(
            session, run_id=parts.run_id, status="finished", metrics=metrics, finished_at=now
        )


WEIGHT_STEPS: tuple[tuple[str, Step], ...] = (("weigh", weigh),)


def _alerts(session: Session, loaded: LoadedDetector, found: FoundRows) -> dict[str, Any]:
    """The threshold of the usual alert rate, and how many findings are above it."""
    cut = cut_at(ALERT_RATE, loaded.detector.calibration, labels_of_detector(session, loaded))
    scores = (found.columns * loaded.detector.column_weights).sum(dim=1)
    return {
        "alert_rate": ALERT_RATE,
        "threshold": cut.threshold,
        "promised_rate": cut.promised_rate,
        "labelled_errors": cut.labelled_errors,
        "n_alerts": cut.alerts(scores),
    }
