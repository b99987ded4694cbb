"""A `hourglass train` that is killed: its run is said to have failed, one that lives is not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from pipelines.runs import life
from pipelines.runs.folders import runs_with_files
from pipelines.runs.life import alive, record_dead, this_process
from pipelines.runs.requests import OPEN
from pipelines.storage.engine import reading, writing
from pipelines.storage.runs import list_runs, update_run
from tests.runs.processes import environment, hourglass, queue, run_of, small_run, until
from tests.worlds import store_world, two_tastes


def start_alone(engine: Engine) -> str:
    """A run that this process is to carry out by itself, in its row."""
    run_id = queue(engine, small_run())
    with writing(engine) as session:
        update_run(session, run_id=run_id, status="running", process=this_process())
    return run_id


@pytest.mark.slow
def test_a_train_that_was_killed_has_failed_and_the_next_command_says_so(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    store_world(engine, two_tastes(60))
    command = hourglass("train", "denoising", "--epochs", "100000")
    child = subprocess.Popen(command, env=environment(tmp_path, database_url), stderr=sys.stderr)
    try:
        run = until(lambda: running(engine), process=child)
        until(lambda: (run_of(engine, run).progress or {}).get("epoch", 0), process=child)
        assert record_dead(engine, tmp_path) == []
    finally:
        child.kill()
        child.wait()
    assert run_of(engine, run).status == "running"
    listed = subprocess.run(
        hourglass("runs", "list", "--json"),
        env=environment(tmp_path, database_url),
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"Run {run} had not ended when its process died" in listed.stderr
    (row,) = json.loads(listed.stdout)["runs"]
    assert (row["status"], f"process {child.pid} on" in row["error"]) == ("failed", True)
    assert "Start the run again" in row["error"]
    assert run_of(engine, run).finished_at is not None
    assert runs_with_files(tmp_path) == set()
    assert not list(tmp_path.glob("*.lock"))


def running(engine: Engine) -> str | None:
    with reading(engine) as session:
        rows = list_runs(session, limit=1, after=None)
    return rows[0].run_id if rows and rows[0].status == "running" else None


def test_a_run_without_its_process_is_dead_and_one_with_it_is_not(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "INTERVAL", 0.05)
    run_id, workers = start_alone(engine), queue(engine, small_run())
    with writing(engine) as session:
        update_run(session, run_id=workers, status="running")
    with alive(engine, run_id):
        assert record_dead(engine, tmp_path) == []
    assert record_dead(engine, tmp_path) == [run_id]
    assert run_of(engine, run_id).status == "failed"
    assert run_of(engine, workers).status in OPEN
    assert record_dead(engine, tmp_path) == []


def test_a_living_process_that_lost_its_connection_is_not_taken_for_dead(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("a locked file is not lost with a connection")
    monkeypatch.setattr(life, "INTERVAL", 0.2)
    run_id = start_alone(engine)
    with alive(engine, run_id):
        with engine.connect() as connection:
            ended = connection.scalars(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database"
                    " ON pg_database.oid = pg_locks.database WHERE locktype = 'advisory'"
                    " AND datname = current_database()"
                )
            ).all()
        assert ended == [True]
        assert record_dead(engine, tmp_path) == []
