"""Whether what is stored has drifted from what the active artifact was trained on: a report.

Not the arithmetic: models/scoring/drift.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from models.scoring.drift import compare
from pipelines.data.interactions import InteractionMatrix, read_interactions
from pipelines.predictor.predictor import Predictor
from pipelines.registry.artifact import Artifact
from pipelines.registry.registry import read_active
from pipelines.runs.steps import Parts
from pipelines.storage import drifts
from pipelines.storage.anomalies import WATCH
from pipelines.storage.engine import reading, writing
from pipelines.training.progress import Progress
from pipelines.watch.drift_reports import UNKNOWN, status_of, told
from pipelines.watch.figures import add_figures
from pipelines.watch.user_inputs import inputs_of

SEED: Final = 0
"""Of the users whose scores are compared."""


@dataclass(frozen=True)
class Report:
    """What was found: of each input, and of all: `drifted` where one has."""

    source: str | None
    status: str
    inputs: Mapping[str, Mapping[str, Any]]


def look_at_drift(parts: Parts) -> None:
    """Compare all users with those of the active artifact's training. Raises RunCancelled."""
    parts.on_progress(Progress("drift", 0, 1))
    with reading(parts.engine) as session:
        artifact = read_active(session, parts.store)
        matrix = _with_inputs(session, artifact)
    report = measure(artifact, matrix)
    with writing(parts.engine) as session:
        drifted = [name for name, each in report.inputs.items() if each["drifted"]]
        figures = {"drift": {"status": report.status, "inputs": drifted}}
        add_figures(session, run_id=parts.run_id, figures=figures)
        drifts.put_drift(
            session,
            finder=WATCH,
            source=report.source,
            status=report.status,
            inputs=report.inputs,
            run_id=parts.run_id,
            now=datetime.now(UTC),
        )


def _with_inputs(session: Session, artifact: Artifact | None) -> InteractionMatrix | None:
    """What is to be compared with an artifact; None: it kept nothing to compare with."""
    if artifact is None or artifact.inputs is None:
        return None
    return read_interactions(session, artifact.config.data)


def measure(artifact: Artifact | None, matrix: InteractionMatrix | None) -> Report:
    """The report; unknown without an artifact, or with one of before inputs were kept."""
    if artifact is None or artifact.inputs is None or matrix is None:
        return Report(None if artifact is None else artifact.artifact_id, UNKNOWN, {})
    predictor = Predictor(artifact)
    now = inputs_of(matrix, predictor, artifact.inputs, seed=SEED)
    compared = compare(artifact.inputs.references, now)
    return Report(artifact.artifact_id, status_of(compared), told(compared))
