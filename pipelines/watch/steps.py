"""The steps of a run `watch`. Each looks at one kind of thing and replaces what was found of it
before, in one transaction: begun again, it comes to the same.
"""

from datetime import UTC, datetime

from pipelines.predictor.predictor import Predictor, required
from pipelines.registry.registry import read_active
from pipelines.runs.steps import Parts, Step, check_running
from pipelines.storage import runs
from pipelines.storage.anomalies import WATCH as FINDER
from pipelines.storage.anomalies import replace_anomalies
from pipelines.storage.engine import reading, writing
from pipelines.training.progress import Progress
from pipelines.watch.config import watch_config_of
from pipelines.watch.findings import Findings
from pipelines.watch.histories import find_users


def look_at_users(parts: Parts) -> None:
    """Judge every user's history. Raises NotReady without an artifact."""
    config = watch_config_of(parts.settings)
    with reading(parts.engine) as session:
        artifact = read_active(session, parts.store)
        predictor = required(None if artifact is None else Predictor(artifact))

        def tell(done: int, total: int) -> None:
            parts.on_progress(Progress("users", done, total))

        findings = find_users(session, predictor, config, on_chunk=tell)
    keep(parts, findings)


def keep(parts: Parts, findings: Findings) -> None:
    """Put the findings in the place of those before, and say in the run's metrics how many.

    Raises RunCancelled.
    """
    with writing(parts.engine) as session:
        run = runs.lock_run(session, run_id=parts.run_id)
        check_running(run, parts.run_id)
        kept = replace_anomalies(
            session,
            finder=FINDER,
            subject=findings.subject,
            source=findings.source,
            found=findings.found,
            run_id=parts.run_id,
            now=datetime.now(UTC),
        )
        figures = {**findings.figures(), "kept": kept}
        metrics = {**((run and run.metrics) or {}), findings.subject: figures}
        runs.update_run(session, run_id=parts.run_id, metrics=metrics)


def finish(parts: Parts) -> None:
    """Say that all was looked at. Raises RunCancelled."""
    with writing(parts.engine) as session:
        check_running(runs.lock_run(session, run_id=parts.run_id), parts.run_id)
        runs.update_run(
            session, run_id=parts.run_id, status="finished", finished_at=datetime.now(UTC)
        )


WATCH_STEPS: tuple[tuple[str, Step], ...] = (("users", look_at_users), ("finish", finish))
"""In their order; the names are in the records of runs under way."""
