"""The steps of a run, each from files and the database to files and the database.

A step that died is begun again and comes to the same; one that is done is not repeated. What
calls them in order is `pipelines/workflows.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.content.digest import content_digest
from pipelines.content.items import read_contents
from pipelines.content.tower import fit_content_tower
from pipelines.data.splits import Split, strong_generalisation
from pipelines.errors import DamagedArtifact
from pipelines.images.artifact import read_image_artifact
from pipelines.images.embedding import embed_missing
from pipelines.registry.artifact import Packed, pack, read_artifact, write_artifact
from pipelines.registry.registry import promote
from pipelines.registry.store import Store
from pipelines.runs.files import Judgement, RunFiles, Snapshot
from pipelines.runs.reporting import RunCancelled
from pipelines.storage import artifacts, interactions, runs
from pipelines.storage.engine import reading, writing
from pipelines.storage.tables import IMAGES, INTERACTIONS, Run
from pipelines.training.evaluate import Evaluation
from pipelines.training.facts import facts_of
from pipelines.training.fit_run import fit_run
from pipelines.training.gate import Verdict, judge
from pipelines.training.progress import OnProgress, Progress
from pipelines.training.rival import translated
from pipelines.training.run_config import RunConfig, run_config_of
from pipelines.training.train import assess
from pipelines.training.yardstick import yardstick_of
from pipelines.watch.trusted import read_trusted
from pipelines.watch.user_inputs import inputs_of_training

log = structlog.get_logger()


@dataclass(frozen=True)
class Parts:
    """What every step of one run works with. `settings` are those of the run's row."""

    engine: Engine
    store: Store
    home: Path
    run_id: str
    settings: Mapping[str, Any]
    on_progress: OnProgress

    @property
    def config(self) -> RunConfig:
        """The settings of a run that trains a network."""
        return run_config_of(self.settings)

    @property
    def files(self) -> RunFiles:
        return RunFiles(self.home, self.run_id)


Step = Callable[[Parts], None]


def take_snapshot(parts: Parts) -> None:
    """Read the interactions and the content of items, once and for all of the run."""
    parts.on_progress(Progress("reading", 0, 1))
    _embed_images(parts)
    with reading(parts.engine) as session:
        trusted = read_trusted(session, parts.config.data)
        cut_off = interactions.last_occurred_at(session)
        image_artifact_id = artifacts.active_artifact_id(session, subject=IMAGES)
        contents = read_contents(session, image_artifact_id=image_artifact_id)
    parts.files.write_snapshot(
        Snapshot(trusted.matrix, cut_off, contents, image_artifact_id, trusted.left_out)
    )


def _embed_images(parts: Parts) -> None:
    """Embed images that came since the active artifact about them went live."""
    with reading(parts.engine) as session:
        image_artifact_id = artifacts.active_artifact_id(session, subject=IMAGES)
    if image_artifact_id is None:
        return
    try:
        artifact = read_image_artifact(parts.store, image_artifact_id)
    except DamagedArtifact as error:
        log.warning("images that came later say nothing in this run", reason=error.detail)
        return

    def tell(done: int, total: int) -> None:
        parts.on_progress(Progress("embedding", done, total))

    embed_missing(parts.engine, artifact, on_chunk=tell)


def fit_network(parts: Parts) -> None:
    """Fit, from the last checkpoint on."""
    split = _split(parts, parts.files.read_snapshot())
    fit_run(split, parts.config, checkpoints=parts.files, on_progress=parts.on_progress)


def make_artifact(parts: Parts) -> None:
    """Measure what the fit came to, and write the artifact; it is a candidate from now on."""
    files = parts.files
    snapshot = files.read_snapshot()
    split = _split(parts, snapshot)
    fitted = fit_run(split, parts.config, checkpoints=files, on_progress=parts.on_progress)
    trained = assess(fitted, split, parts.config, on_progress=parts.on_progress)
    parts.on_progress(Progress("content", 0, 1))
    tower = fit_content_tower(
        trained.network,
        split,
        snapshot.contents,
        image_artifact_id=snapshot.image_artifact_id,
        seed=parts.config.seed,
    )
    digest = content_digest(snapshot.matrix, snapshot.contents)
    facts = facts_of(
        trained,
        snapshot.matrix,
        cut_off=snapshot.cut_off,
        content_digest=digest,
        left_out=snapshot.left_out,
    )
    inputs = inputs_of_training(snapshot.matrix, trained)
    packed = pack(trained, facts, tower=tower, inputs=inputs)
    parts.on_progress(Progress("writing", 0, 1))
    files.write_judgement(Judgement(trained.test, trained.popularity))
    write_artifact(parts.store, packed, writer=parts.run_id)
    record_candidate(parts, packed)


def record_candidate(parts: Parts, packed: Packed, *, subject: str = INTERACTIONS) -> None:
    """Add the artifact whose files are written, and name it in the run."""
    with writing(parts.engine) as session:
        artifacts.add_artifact(
            session,
            artifact_id=packed.artifact_id,
            kind=packed.manifest["kind"],
            config=parts.config.name,
            manifest=packed.manifest,
            run_id=parts.run_id,
            now=datetime.now(UTC),
            subject=subject,
        )
        runs.update_run(session, run_id=parts.run_id, artifact_id=packed.artifact_id)


def publish(parts: Parts) -> None:
    """Let the gate judge the candidate, and promote it if it passes: one transaction.

    Judges again where the active artifact changed meanwhile. Raises RunCancelled.
    """
    candidate = read_artifact(parts.store, candidate_of(parts))
    judgement, split = parts.files.read_judgement(), _split(parts, parts.files.read_snapshot())

    def judged(rival_id: str | None) -> Verdict:
        headline = judgement.test.headline if judgement.test else None
        rival = _rival_evaluation(parts.store, rival_id, split, headline)
        return judge(judgement.test, judgement.popularity, rival)

    publish_by(
        parts,
        judged,
        artifact_id=candidate.artifact_id,
        promote=lambda session: promote(session, candidate),
    )


def candidate_of(parts: Parts) -> str:
    """The id of the artifact that the run made; says that it is judged now."""
    with reading(parts.engine) as session:
        run = runs.get_run(session, run_id=parts.run_id)
    assert run is not None
    assert run.artifact_id is not None
    parts.on_progress(Progress("judging", 0, 1))
    return run.artifact_id


def publish_by(
    parts: Parts,
    judged: Callable[[str | None], Verdict],
    *,
    artifact_id: str,
    promote: Callable[[Session], object],
    subject: str = INTERACTIONS,
) -> None:
    """Act on what `judged` says of the candidate beside the active artifact of that id; it is
    asked again where another became active meanwhile.
    """
    published = False
    while not published:
        with reading(parts.engine) as session:
            rival_id = artifacts.active_artifact_id(session, subject=subject)
        published = _act_on(
            parts,
            judged(rival_id),
            artifact_id=artifact_id,
            rival_id=rival_id,
            promote=promote,
            subject=subject,
        )


STEPS: tuple[tuple[str, Step], ...] = (
    ("snapshot", take_snapshot),
    ("fit", fit_network),
    ("artifact", make_artifact),
    ("publish", publish),
)
"""In their order; the names are in the records of runs under way."""


def _split(parts: Parts, snapshot: Snapshot) -> Split:
    return strong_generalisation(snapshot.matrix, parts.config.seed)


def _rival_evaluation(
    store: Store, rival_id: str | None, split: Split, headline: str | None
) -> Evaluation | None:
    """The active artifact, judged on this run's test users; None when there is none to judge, or
    when it is of those judged by another headline.
    """
    if split.test is None or rival_id is None:
        return None
    try:
        rival = read_artifact(store, rival_id)
    except DamagedArtifact as error:
        log.warning("the active artifact cannot be compared", reason=error.detail)
        return None
    yardstick = yardstick_of(rival.network)
    if yardstick.metric != headline:
        return None
    scorer = translated(
        yardstick.scorer(rival.network), knows=rival.vocabulary, columns=split.vocabulary
    )
    return yardstick.evaluate(scorer, split.test)


def _act_on(
    parts: Parts,
    verdict: Verdict,
    *,
    artifact_id: str,
    rival_id: str | None,
    promote: Callable[[Session], object],
    subject: str = INTERACTIONS,
) -> bool:
    """Record the verdict and act on it; False, and nothing done, if the rival changed."""
    with writing(parts.engine) as session:
        run = runs.lock_run(session, run_id=parts.run_id)
        check_running(run, parts.run_id)
        if artifacts.lock_promotions(session, subject=subject) != rival_id:
            return False
        if artifact_id != rival_id:
            if verdict.promote:
                promote(session)
            else:
                artifacts.set_status(session, artifact_id=artifact_id, status="rejected")
        row = artifacts.get_artifact(session, artifact_id=artifact_id)
        assert row is not None
        runs.update_run(
            session,
            run_id=parts.run_id,
            status="finished",
            metrics=row.manifest["metrics"],
            verdict=asdict(verdict),
            finished_at=datetime.now(UTC),
        )
    return True


def check_running(run: Run | None, run_id: str) -> None:
    """Raise RunCancelled unless it is running."""
    if run is None or run.status != "running":
        raise RunCancelled(f"Run {run_id} was cancelled.")
