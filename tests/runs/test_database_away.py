"""PostgreSQL goes away in the middle of a run and of a request, and comes back: nothing is lost."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from pipelines import schema
from pipelines.settings import Settings
from pipelines.storage.artifacts import list_artifacts
from pipelines.storage.engine import create_engine, reading
from pipelines.workflows import run_training
from service.app import create_app
from service.context import EXTENSION
from tests.running import store_at
from tests.runs.processes import queue, run_of, small_run, working
from tests.runs.servers import Server, own_server
from tests.worlds import store_world, two_tastes

WORLD, RUN = two_tastes(60), small_run(epochs=150)


def undisturbed(sqlite_template: Path, home: Path) -> str:
    """The artifact of the same run where nothing goes away."""
    home.mkdir()
    shutil.copy(sqlite_template, home / "hourglass.db")
    engine = create_engine(f"sqlite:///{home}/hourglass.db")
    store_world(engine, WORLD)
    result = run_training(engine, store_at(home), RUN, home=home, on_progress=lambda _: None)
    engine.dispose()
    return result.artifact_id


def stopped_during_a_request(server: Server, engine: Engine, client: FlaskClient) -> Any:
    """The answer to a request that waits in the database when the server stops."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with ThreadPoolExecutor(1) as pool, engine.connect() as connection:
        connection.execute(text("LOCK TABLE items"))
        answer = pool.submit(client.put, "/v1/items/late", json={"title": "Late"})
        while not connection.scalar(waiting):
            # Within a transaction the server tells what it told first, until it is to look again.
            connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        server.stop()
        connection.invalidate()
        return answer.result()


@pytest.mark.slow
def test_a_run_and_its_requests_survive_a_database_that_goes_away(
    sqlite_template: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with own_server() as server:
        schema.upgrade(server.url)
        environment = {"HOURGLASS_HOME": str(home), "HOURGLASS_DATABASE_URL": server.url}
        app = create_app(Settings.from_environment(environment), watch=False)
        client = app.test_client()
        engine = create_engine(server.url)
        store_world(engine, WORLD)
        run_id = queue(engine, RUN)
        with working(home, server.url, tmp_path / "log") as worker:
            worker.until(lambda: (run_of(engine, run_id).progress or {}).get("epoch", 0) > 2)
            for answer in (
                stopped_during_a_request(server, engine, client),
                client.get("/v1/runs"),
                client.post("/v1/runs", json={"config": "denoising"}),
            ):
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
                assert answer.json["type"] == "/problems/database-unavailable"
                assert "Try again" in answer.json["detail"]
            # It begins anew, or waits in the library, by what it was at when the server stopped.
            worker.until_logged("connection failed")
            server.start()
            assert client.put("/v1/items/late", json={"title": "Late"}).status_code == 201
            worker.until(lambda: run_of(engine, run_id).status == "finished")
        run = run_of(engine, run_id)
        with reading(engine) as session:
            artifacts = [row.artifact_id for row in list_artifacts(session, limit=9, after=None)]
        assert artifacts == [run.artifact_id] == [undisturbed(sqlite_template, tmp_path / "other")]
        assert [row["run_id"] for row in client.get("/v1/runs").json["runs"]] == [run_id]
        app.extensions[EXTENSION].engine.dispose()
        engine.dispose()
