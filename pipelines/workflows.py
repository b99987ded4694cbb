"""The whole chain: interactions -> network -> artifact -> gate -> live. The only caller of it all.

A run leaves a row that says what became of it. Files are written before the one transaction that
records the artifact, the verdict and the promotion: a run that dies leaves nothing live.
"""

import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Engine

from pipelines.data.interactions import read_interactions
from pipelines.data.splits import strong_generalisation
from pipelines.errors import DamagedArtifact, HourglassError
from pipelines.registry.artifact import Packed, pack, read_artifact, write_artifact
from pipelines.registry.registry import promote, read_active
from pipelines.registry.store import Store
from pipelines.storage import artifacts, interactions, runs
from pipelines.storage.engine import reading, writing
from pipelines.training.evaluate import Evaluation, evaluate, network_scorer
from pipelines.training.facts import facts_of
from pipelines.training.gate import Verdict, judge
from pipelines.training.rival import translated
from pipelines.training.run_config import RunConfig
from pipelines.training.train import OnProgress, Progress, Trained, train

log = structlog.get_logger()

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


def run_training(
    engine: Engine, store: Store, config: RunConfig, *, on_progress: OnProgress
) -> RunResult:
    """Train, judge, publish. What `on_progress` raises ends the run as cancelled or failed."""
    run_id = uuid.uuid4().hex
    with writing(engine) as session:
        now = datetime.now(UTC)
        runs.add_run(session, run_id=run_id, config=config.name, settings=config.values(), now=now)
        runs.update_run(session, run_id=run_id, status="running", started_at=now)
    try:
        return _chain(engine, store, config, run_id, on_progress)
    except BaseException as error:
        _record_end(engine, run_id, error)
        raise


def is_current(engine: Engine, config: RunConfig) -> bool:
    """Whether this very run was done on the data as they are now, whatever the gate said of it."""
    with reading(engine) as session:
        recent = artifacts.list_artifacts(session, limit=RECENT, after=None)
        digests = {
            a.manifest["data"]["digest"] for a in recent if a.manifest["run"] == config.values()
        }
        return bool(digests) and read_interactions(session, config.data).digest() in digests


def _chain(
    engine: Engine, store: Store, config: RunConfig, run_id: str, on_progress: OnProgress
) -> RunResult:
    on_progress(Progress("reading", 0, 1))
    with reading(engine) as session:
        matrix = read_interactions(session, config.data)
        cut_off = interactions.last_occurred_at(session)
    split = strong_generalisation(matrix, config.seed)
    trained = train(split, config, on_progress=on_progress)
    packed = pack(trained, config, facts_of(trained, matrix, cut_off))
    write_artifact(store, packed)
    on_progress(Progress("judging", 0, 1))
    verdict = judge(trained.test, trained.popularity, _rival_evaluation(engine, store, trained))
    return _publish(engine, store, packed, verdict, run_id)


def _rival_evaluation(engine: Engine, store: Store, trained: Trained) -> Evaluation | None:
    """The active artifact, judged on this run's test users; None when there is none to judge."""
    if trained.split.test is None:
        return None
    try:
        with reading(engine) as session:
            rival = read_active(session, store)
    except DamagedArtifact as error:
        log.warning("the active artifact cannot be compared", reason=error.detail)
        return None
    if rival is None:
        return None
    scorer = translated(
        network_scorer(rival.network), knows=rival.vocabulary, columns=trained.vocabulary
    )
    return evaluate(scorer, trained.split.test)


def _publish(
    engine: Engine, store: Store, packed: Packed, verdict: Verdict, run_id: str
) -> RunResult:
    """Record the artifact and what the gate said of it, and promote it if it passed."""
    artifact = read_artifact(store, packed.artifact_id)
    now = datetime.now(UTC)
    with writing(engine) as session:
        artifacts.add_artifact(
            session,
            artifact_id=packed.artifact_id,
            kind=packed.manifest["kind"],
            config=artifact.config.name,
            manifest=packed.manifest,
            run_id=run_id,
            now=now,
        )
        active = artifacts.active_artifact(session)
        is_active = active is not None and active.artifact_id == packed.artifact_id
        if verdict.promote and not is_active:
            promote(session, artifact)
        elif not is_active:
            artifacts.set_status(session, artifact_id=packed.artifact_id, status="rejected")
        runs.update_run(
            session,
            run_id=run_id,
            status="finished",
            metrics=packed.manifest["metrics"],
            verdict=asdict(verdict),
            artifact_id=packed.artifact_id,
            finished_at=now,
        )
    metrics = packed.manifest["metrics"]
    return RunResult(run_id, packed.artifact_id, verdict.promote, verdict.reasons, metrics)


def _record_end(engine: Engine, run_id: str, error: BaseException) -> None:
    """Say in the run's row that it was cancelled (Ctrl-C) or why it failed."""
    status = "cancelled" if isinstance(error, KeyboardInterrupt) else "failed"
    reason = error.detail if isinstance(error, HourglassError) else repr(error)
    with writing(engine) as session:
        runs.update_run(
            session, run_id=run_id, status=status, error=reason, finished_at=datetime.now(UTC)
        )
