"""The whole chain: interactions -> network -> artifact -> gate -> live. The only caller of it all.

A run leaves a row that says what became of it. The steps are in `pipelines/runs/steps.py`; here
they run one after another in this process. `pipelines/durable.py` runs the same steps so that
they survive the process.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.catalog import get_kind
from pipelines.content.digest import content_digest
from pipelines.content.items import read_contents
from pipelines.errors import HourglassError
from pipelines.images.catalogue import digest_of, resolved
from pipelines.registry.store import Store
from pipelines.runs.chains import CHAINS
from pipelines.runs.folders import remove_files
from pipelines.runs.life import alive, this_process
from pipelines.runs.reporting import Reporter, RunCancelled
from pipelines.runs.requests import OPEN
from pipelines.runs.steps import Parts
from pipelines.storage import artifacts, runs
from pipelines.storage.engine import AWAY, reading, writing
from pipelines.storage.tables import IMAGES
from pipelines.training.progress import OnProgress, Progress
from pipelines.training.run_config import RunConfig
from pipelines.watch.config import WatchConfig
from pipelines.watch.reweighting import ReweightConfig
from pipelines.watch.trusted import read_trusted

log = structlog.get_logger()

AnyConfig = RunConfig | WatchConfig | ReweightConfig
RECENT = 20
"""Artifacts looked through for one that came of the same run and data."""


@dataclass(frozen=True)
class RunResult:
    """What a run came to. `metrics` is the manifest's; None figures where nobody was held out."""

    run_id: str
    artifact_id: str
    promoted: bool
    reasons: tuple[str, ...]
    metrics: dict[str, Any]
    trials: tuple[dict[str, Any], ...] = ()
    """What a search tried."""


def run_training(
    engine: Engine, store: Store, config: RunConfig, *, home: Path, on_progress: OnProgress
) -> RunResult:
    """Train, judge, publish. What `on_progress` raises ends the run as cancelled or failed.

    home: where the run keeps its files while it lasts.
    """
    return result_of(engine, _carry_out_here(engine, store, config, home, on_progress))


def run_watch(
    engine: Engine, store: Store, config: WatchConfig, *, home: Path, on_progress: OnProgress
) -> dict[str, Any]:
    """Look over everything; of each subject what was looked at, found and kept."""
    run_id = _carry_out_here(engine, store, config, home, on_progress)
    with reading(engine) as session:
        run = runs.get_run(session, run_id=run_id)
    assert run is not None
    return run.metrics or {}


def run_reweight(
    engine: Engine, store: Store, config: ReweightConfig, *, home: Path, on_progress: OnProgress
) -> None:
    """Weigh the columns of a detector anew. Raises as its step: pipelines/watch/weight_steps.py."""
    _carry_out_here(engine, store, config, home, on_progress)


def _carry_out_here(
    engine: Engine, store: Store, config: AnyConfig, home: Path, on_progress: OnProgress
) -> str:
    """Carry a run out from end to end in this process; its id."""
    run_id = uuid.uuid4().hex
    report = _both(Reporter(engine, run_id), on_progress)
    parts = Parts(engine, store, home, run_id, config.values(), report)
    with alive(engine, run_id):
        _add_running(engine, run_id, config)
        try:
            for _, step in CHAINS[config.subject].steps:
                step(parts)
        except BaseException as error:
            _record_end(engine, run_id, error)
            raise
        finally:
            remove_files(home, run_id)
    return run_id


def _add_running(engine: Engine, run_id: str, config: AnyConfig) -> None:
    now = datetime.now(UTC)
    with writing(engine) as session:
        runs.add_run(session, run_id=run_id, config=config.name, settings=config.values(), now=now)
        runs.update_run(
            session, run_id=run_id, status="running", process=this_process(), started_at=now
        )


def carry_out(engine: Engine, store: Store, home: Path, *, step: str, run_id: str) -> bool:
    """Carry out one step of a run that a worker took; False when the rest is not wanted.

    What goes wrong is told in the run's row. Raises AWAY when the database is away: then the step
    is to be tried again.
    """
    settings = _begin(engine, run_id)
    if settings is None:
        return False
    parts = Parts(engine, store, home, run_id, settings, Reporter(engine, run_id))
    try:
        dict(CHAINS[subject_of(settings)].steps)[step](parts)
    except AWAY:
        raise
    except Exception as error:
        if not isinstance(error, HourglassError):
            log.exception("a run failed", run_id=run_id)
        _record_end(engine, run_id, error)
        return False
    return True


def subject_of(settings: Mapping[str, Any]) -> str:
    """What a run of these settings is about, a key of `CHAINS`: they say so, or their kind does."""
    subject: str = settings.get("subject") or get_kind(settings["kind"]).subject
    return subject


def _begin(engine: Engine, run_id: str) -> dict[str, Any] | None:
    """The settings of a queued or interrupted run, running from now on; None when it is over."""
    with writing(engine) as session:
        run = runs.lock_run(session, run_id=run_id)
        if run is None or run.status not in OPEN:
            return None
        started_at = run.started_at or datetime.now(UTC)
        runs.update_run(session, run_id=run_id, status="running", started_at=started_at)
        return run.settings


def _record_end(engine: Engine, run_id: str, error: BaseException) -> None:
    """Say in the run's row that it was cancelled or why it failed."""
    stopped = isinstance(error, KeyboardInterrupt | RunCancelled)
    reason = error.detail if isinstance(error, HourglassError) else repr(error)
    with writing(engine) as session:
        runs.update_running(
            session,
            run_id=run_id,
            status="cancelled" if stopped else "failed",
            error=reason,
            finished_at=datetime.now(UTC),
        )


def result_of(engine: Engine, run_id: str) -> RunResult:
    """What a finished run came to."""
    with reading(engine) as session:
        run = runs.get_run(session, run_id=run_id)
        artifact = artifacts.get_artifact(session, artifact_id=(run and run.artifact_id) or "")
    assert run is not None
    assert run.verdict is not None
    return RunResult(
        run_id,
        run.artifact_id or "",
        run.verdict["promote"],
        tuple(run.verdict["reasons"]),
        run.metrics or {},
        tuple(artifact.manifest["run"].get("trials", ())) if artifact else (),
    )


def is_current(engine: Engine, config: RunConfig) -> bool:
    """Whether this very run was done on the data as they are now, whatever the gate said of it."""
    with reading(engine) as session:
        if config.subject == IMAGES:
            config, described = resolved(session, config)
        recent = artifacts.list_artifacts(session, limit=RECENT, after=None)
        data = [a.manifest["data"] for a in recent if _came_of(a.manifest["run"], config)]
        if config.subject == IMAGES:
            return digest_of(described) in [each["digest"] for each in data]
        return bool(data) and _digests(session, config) in [
            (each["digest"], each.get("content_digest")) for each in data
        ]


def _digests(session: Session, config: RunConfig) -> tuple[str, str | None]:
    """Of the interactions, and of the content that a run would learn from."""
    matrix = read_trusted(session, config.data).matrix
    image_artifact_id = artifacts.active_artifact_id(session, subject=IMAGES)
    contents = read_contents(session, image_artifact_id=image_artifact_id)
    return matrix.digest(), content_digest(matrix, contents)


def _came_of(run: dict[str, Any], config: RunConfig) -> bool:
    """Whether this run of a manifest is what the config asks for, its members found or given."""
    if config.searches:
        run = {**run, "network": dict(config.network), "trials": []}
    return run == config.values()


def _both(first: OnProgress, second: OnProgress) -> OnProgress:
    def report(progress: Progress) -> None:
        first(progress)
        second(progress)

    return report
