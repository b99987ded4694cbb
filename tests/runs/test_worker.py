"""Real workers: one run at a time, cancelled in mid-fit, stopped, taken over from."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.errors import Conflict, NotFound
from pipelines.runs.folders import runs_with_files
from pipelines.runs.requests import cancel_run
from pipelines.storage.engine import reading, writing
from pipelines.storage.images import image_state
from tests.images.conftest import config, store_shapes
from tests.running import run
from tests.runs.processes import WorkerProcess, queue, run_of, small_run, working
from tests.worlds import store_world, two_tastes

ENDLESS = 100_000


def cancel(engine: Engine, run_id: str) -> None:
    with writing(engine) as session:
        cancel_run(session, run_id=run_id, now=datetime.now(UTC))


def said(worker: WorkerProcess) -> str | None:
    """What a worker found when it looked who leads."""
    log = worker.log.read_text()
    return next((words for words in ("leads", "standing by") if f'{words}"' in log), None)


@pytest.mark.slow
def test_runs_wait_for_each_other_are_cancelled_and_survive_their_worker(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    store_world(engine, two_tastes(60))
    endless = queue(engine, small_run(epochs=ENDLESS))
    second, third = queue(engine, small_run(epochs=3)), queue(engine, small_run(epochs=ENDLESS))
    with (
        working(tmp_path, database_url, tmp_path / "log-1") as leader,
        working(tmp_path, database_url, tmp_path / "log-2") as other,
    ):
        if other.until(lambda: said(leader) and said(other)) == "leads":
            leader, other = other, leader
        assert (said(leader), said(other)) == ("leads", "standing by")
        leader.until(lambda: (run_of(engine, endless).progress or {}).get("epoch", 0) > 1)
        assert run_of(engine, second).status == "queued"
        asked = datetime.now(UTC)
        cancel(engine, endless)
        leader.until(lambda: run_of(engine, second).status == "finished")
        started = run_of(engine, second).started_at
        assert started is not None
        assert (started - asked).total_seconds() < 10
        assert run_of(engine, endless).status == "cancelled"
        leader.until(lambda: run_of(engine, third).status == "running")
        assert runs_with_files(tmp_path) <= {third}
        leader.kill()
        other.until_logged('"step": "', times=1)
        assert run_of(engine, third).status == "running"
        assert other.stop() == 0
    assert run_of(engine, third).status == "running"
    assert "goes on when a worker starts again" in other.log.read_text()


@pytest.mark.slow
def test_the_worker_embeds_images_that_were_imported(sqlite_engine: Engine, tmp_path: Path) -> None:
    store_shapes(sqlite_engine, tmp_path / "shapes", n=6)
    name = run(sqlite_engine, tmp_path, config(epochs=1)).artifact_id
    store_shapes(sqlite_engine, tmp_path / "more", n=8, seed=1)

    def all_embedded() -> bool:
        with reading(sqlite_engine) as session:
            state = image_state(session, artifact_id=name)
        return state.n_embeddings == state.n_images == 16

    assert not all_embedded()
    database_url = sqlite_engine.url.render_as_string()
    with working(tmp_path, database_url, tmp_path / "log") as worker:
        worker.until(all_embedded)


def test_a_run_that_is_over_or_unknown_cannot_be_cancelled(engine: Engine) -> None:
    run_id = queue(engine, small_run())
    cancel(engine, run_id)
    assert run_of(engine, run_id).status == "cancelled"
    with pytest.raises(Conflict, match="cancelled already"):
        cancel(engine, run_id)
    with pytest.raises(NotFound, match="runs list"):
        cancel(engine, "nobody")
