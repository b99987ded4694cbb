"""Whether what is stored has drifted from what the active artifact was trained on: a report.

Not the arithmetic: models/scoring/drift.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy.orm import Session

from models.scoring.drift import compare
from pipelines.data.interactions import InteractionMatrix
from pipelines.errors import DamagedArtifact
from pipelines.predictor.predictor import Predictor
from pipelines.registry.artifact import Artifact, read_artifact
from pipelines.registry.registry import read_active
from pipelines.runs.steps import Parts
from pipelines.storage import artifacts, drifts
from pipelines.storage.anomalies import WATCH
from pipelines.storage.engine import reading, writing
from pipelines.training.progress import Progress
from pipelines.watch.drift_reports import DRIFTED, RETRAINED, UNKNOWN, status_of, told
from pipelines.watch.figures import add_figures
from pipelines.watch.trusted import read_trusted
from pipelines.watch.user_inputs import inputs_of

SEED: Final = 0
"""Of the users whose scores are compared."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Measured:
    """What was found: of each input, and of all: `drifted` where one has."""

    source: str | None
    status: str
    inputs: Mapping[str, Mapping[str, Any]]


def look_at_drift(parts: Parts) -> None:
    """Compare all users with those of the active artifact's training; where they drifted, with
    those of the last training too, which may not have gone live. Raises RunCancelled.
    """
    parts.on_progress(Progress("drift", 0, 2))
    now = datetime.now(UTC)  # a training that ends from here on is one that this knows nothing of
    with reading(parts.engine) as session:
        artifact = read_active(session, parts.store)
        matrix = _with_inputs(session, artifact)
        last_id = artifacts.last_trained_id(session)
    found = measure(artifact, matrix)
    parts.on_progress(Progress("drift", 1, 2))
    since = None
    if found.status == DRIFTED and last_id is not None and last_id != found.source:
        since = _since_training(parts, last_id)
    with writing(parts.engine) as session:
        drifted = [name for name, each in found.inputs.items() if each["drifted"]]
        figures = {"drift": {"status": found.status, "inputs": drifted}}
        add_figures(session, run_id=parts.run_id, figures=figures)
        _put(session, WATCH, found, parts.run_id, now)
        drifts.forget_drift(session, finder=RETRAINED)
        if since is not None:
            _put(session, RETRAINED, since, parts.run_id, now)


def _since_training(parts: Parts, artifact_id: str) -> Measured:
    try:
        artifact = read_artifact(parts.store, artifact_id)
    except DamagedArtifact as error:
        log.warning("drift since the last training is unknown", reason=error.detail)
        return Measured(artifact_id, UNKNOWN, {})
    with reading(parts.engine) as session:
        matrix = _with_inputs(session, artifact)
    return measure(artifact, matrix)


def _with_inputs(session: Session, artifact: Artifact | None) -> InteractionMatrix | None:
    """Those who would train, to be compared with an artifact; None: it kept nothing to compare
    with.
    """
    if artifact is None or artifact.inputs is None:
        return None
    return read_trusted(session, artifact.config.data).matrix


def measure(artifact: Artifact | None, matrix: InteractionMatrix | None) -> Measured:
    """What drifted; unknown without an artifact, or with one of before inputs were kept."""
    if artifact is None or artifact.inputs is None or matrix is None:
        return Measured(None if artifact is None else artifact.artifact_id, UNKNOWN, {})
    predictor = Predictor(artifact)
    now = inputs_of(matrix, predictor, artifact.inputs, seed=SEED)
    compared = compare(artifact.inputs.references, now)
    return Measured(artifact.artifact_id, status_of(compared), told(compared))


def _put(session: Session, finder: str, measured: Measured, run_id: str, now: datetime) -> None:
    drifts.put_drift(
        session,
        finder=finder,
        source=measured.source,
        status=measured.status,
        inputs=measured.inputs,
        run_id=run_id,
        now=now,
    )
