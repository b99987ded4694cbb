"""The steps of a run `watch`. Each looks at one kind of thing and replaces what was found of it
before, in one transaction: begun again, it comes to the same.
"""

from datetime import UTC, datetime

from pipelines.data.interactions import DataConfig, read_interactions
from pipelines.images.artifact import read_image_artifact
from pipelines.predictor.predictor import Predictor
from pipelines.registry.registry import read_active
from pipelines.runs.steps import Parts, Step, check_running
from pipelines.storage import artifacts, runs
from pipelines.storage.anomalies import WATCH as FINDER
from pipelines.storage.anomalies import replace_anomalies
from pipelines.storage.engine import reading, writing
from pipelines.storage.looks import put_look
from pipelines.storage.tables import IMAGES
from pipelines.training.progress import Progress
from pipelines.watch.config import watch_config_of
from pipelines.watch.detector_looks import look_at_detectors
from pipelines.watch.drifting import look_at_drift
from pipelines.watch.figures import add_figures
from pipelines.watch.findings import Findings
from pipelines.watch.group_findings import find_user_groups
from pipelines.watch.histories import find_interactions, find_items, find_users, look_at
from pipelines.watch.images import find_images
from pipelines.watch.rows import chosen_rows
from pipelines.watch.simple import find_users_simply
from pipelines.watch.yardsticks import LookYardstick


def look_at_histories(parts: Parts) -> None:
    """Judge every user, interaction and item; without an artifact every user, by the baseline."""
    config = watch_config_of(parts.settings)

    def tell(done: int, total: int) -> None:
        parts.on_progress(Progress("histories", done, total))

    tell(0, 1)
    with reading(parts.engine) as session:
        artifact = read_active(session, parts.store)
        data = DataConfig() if artifact is None else artifact.config.data
        matrix = read_interactions(session, data)
    if artifact is None:
        keep(parts, find_users_simply(matrix, config))
        return
    predictor = Predictor(artifact)
    rows = chosen_rows(matrix, predictor, config, on_chunk=tell)
    look = look_at(predictor, config, rows, on_chunk=tell)
    for find in (find_users, find_interactions, find_items):
        keep(parts, find(look))


def look_at_groups(parts: Parts) -> None:
    """Look for groups of users who are too alike, among all weights; it takes no artifact."""

    def tell(done: int, total: int) -> None:
        parts.on_progress(Progress("groups", done, total))

    tell(0, 1)
    with reading(parts.engine) as session:
        matrix = read_interactions(session, DataConfig(values="rating"))
    keep(parts, find_user_groups(matrix, watch_config_of(parts.settings), on_chunk=tell))


def look_at_images(parts: Parts) -> None:
    """Judge every image, where an artifact about images is active."""

    def tell(done: int, total: int) -> None:
        parts.on_progress(Progress("images", done, total))

    tell(0, 1)
    with reading(parts.engine) as session:
        artifact_id = artifacts.active_artifact_id(session, subject=IMAGES)
    if artifact_id is None:
        return
    artifact = read_image_artifact(parts.store, artifact_id)
    keep(parts, find_images(parts.engine, artifact, watch_config_of(parts.settings), on_chunk=tell))


def keep(parts: Parts, findings: Findings) -> None:
    """Put the findings in the place of those before, and say in the run's metrics how many.

    Raises RunCancelled.
    """
    with writing(parts.engine) as session:
        check_running(runs.lock_run(session, run_id=parts.run_id), parts.run_id)
        kept = replace_anomalies(
            session,
            finder=FINDER,
            subject=findings.subject,
            source=findings.source,
            found=findings.found,
            run_id=parts.run_id,
            now=datetime.now(UTC),
        )
        if findings.look is not None:
            put_look(session, finder=FINDER, subject=findings.subject, look=findings.look)
            LookYardstick(findings.subject, findings.look).heed(session)
        figures = {findings.subject: {**findings.figures(), "kept": kept}}
        add_figures(session, run_id=parts.run_id, figures=figures)


def finish(parts: Parts) -> None:
    """Say that all was looked at. Raises RunCancelled."""
    with writing(parts.engine) as session:
        check_running(runs.lock_run(session, run_id=parts.run_id), parts.run_id)
        runs.update_run(
            session, run_id=parts.run_id, status="finished", finished_at=datetime.now(UTC)
        )


WATCH_STEPS: tuple[tuple[str, Step], ...] = (
    ("histories", look_at_histories),
    ("groups", look_at_groups),
    ("images", look_at_images),
    ("detectors", look_at_detectors),
    ("drift", look_at_drift),
    ("finish", finish),
)
"""In their order; the names are in the records of runs under way."""
