"""kill -9 in every step of a run, for real: what comes out is what an undisturbed run gives.

Where a step must not end before it is killed, a file that it opens is a pipe that nobody reads or
writes: opening that takes for ever.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.registry.artifact import read_artifact
from pipelines.registry.registry import promote_by_id
from pipelines.runs.files import RunFiles
from pipelines.storage.artifacts import list_artifacts
from pipelines.storage.engine import create_engine, reading
from pipelines.training.run_config import RunConfig
from pipelines.workflows import run_training
from tests.running import store_at
from tests.runs.processes import queue, run_of, small_run, working
from tests.worlds import store_world, two_tastes

WORLD = two_tastes(100)
RUN = small_run(seed=7, epochs=60)


@contextmanager
def blocked(path: Path) -> Iterator[None]:
    """Whoever opens this file waits; what was there before comes back at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = path.with_name("kept")
    if path.exists():
        path.rename(kept)
    os.mkfifo(path)
    yield
    path.unlink()
    if kept.exists():
        kept.rename(path)


@pytest.fixture(scope="module")
def expected(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The artifact of an undisturbed run on these data, elsewhere."""
    home = tmp_path_factory.mktemp("undisturbed")
    shutil.copy(sqlite_template, home)
    return artifact_of(create_engine(f"sqlite:///{home / sqlite_template.name}"), home, RUN)


@pytest.fixture
def rival(engine: Engine, tmp_path: Path) -> str:
    """What is active before, and worse."""
    home = tmp_path / "home"
    artifact_id = artifact_of(engine, home, small_run(seed=1, epochs=1))
    promote_by_id(engine, store_at(home), artifact_id)
    return artifact_id


def artifact_of(engine: Engine, home: Path, config: RunConfig) -> str:
    store_world(engine, WORLD)
    store = store_at(home)
    result = run_training(engine, store, config, home=home, on_progress=lambda _: None)
    engine.dispose()
    return result.artifact_id


@pytest.mark.slow
def test_a_run_killed_in_every_step_ends_as_an_undisturbed_one(
    engine: Engine, database_url: str, tmp_path: Path, expected: str, rival: str
) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    run_id = queue(engine, RUN)
    files = RunFiles(home, run_id)
    snapshot = home / "snapshots" / run_id / "interactions.safetensors.run.partial"
    with blocked(snapshot), working(home, database_url, log) as worker:
        worker.until(lambda: run_of(engine, run_id).phase == "reading")
        worker.kill()
    with working(home, database_url, log) as worker:
        worker.until(lambda: files.load() is not None and len(files.load().epochs) > 2)
        worker.kill()
    checkpoint = files.load()
    assert checkpoint is not None
    done = len(checkpoint.epochs)
    assert 2 < done < 60
    last_report = reported_at(engine, run_id)
    weights = home / "artifacts" / expected / f"weights.safetensors.{run_id}.partial"
    with blocked(weights), working(home, database_url, log) as worker:
        worker.until(lambda: reported_at(engine, run_id) != last_report)
        assert run_of(engine, run_id).progress["epoch"] > done
        worker.until(lambda: run_of(engine, run_id).phase == "writing")
        worker.kill()
    manifest = home / "artifacts" / rival / "manifest.json"
    with blocked(manifest), working(home, database_url, log) as worker:
        worker.until(lambda: run_of(engine, run_id).phase == "judging")
        worker.kill()
    assert run_of(engine, run_id).status == "running"
    with working(home, database_url, log) as worker:
        worker.until(lambda: run_of(engine, run_id).status == "finished")
        worker.until(lambda: left_over(home) == [])
    assert_one_whole_artifact(engine, home, run_id, expected, rival)
    for step in ("snapshot", "fit", "artifact", "publish"):
        assert log.read_text().count(f'"step": "{step}"') == 2, log.read_text()


def reported_at(engine: Engine, run_id: str) -> str:
    progress = run_of(engine, run_id).progress
    assert progress is not None
    return str(progress["reported_at"])


def left_over(home: Path) -> list[Path]:
    """Files of runs, and halves of files."""
    folders = (home / "snapshots", home / "checkpoints")
    return [
        *(path for folder in folders for path in folder.rglob("*") if path.is_file()),
        *home.rglob("*.partial"),
    ]


def assert_one_whole_artifact(
    engine: Engine, home: Path, run_id: str, expected: str, rival: str
) -> None:
    run = run_of(engine, run_id)
    assert run.artifact_id == expected
    assert run.verdict is not None
    with reading(engine) as session:
        rows = {row.artifact_id: row for row in list_artifacts(session, limit=10, after=None)}
    assert set(rows) == {expected, rival}
    assert rows[expected].status == "active"
    assert run.verdict["promote"]
    assert {path.name for path in (home / "artifacts").iterdir()} == {expected, rival}
    names = {path.name for path in (home / "artifacts" / expected).iterdir()}
    assert names == {"weights.safetensors", "vocabulary.json", "manifest.json"}
    assert read_artifact(store_at(home), expected).artifact_id == expected
