"""kill -9 in the middle of a look, for real: the findings are those of an undisturbed one, and a
label that came meanwhile is kept and heeded.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from pipelines.runs.requests import request_run
from pipelines.storage.anomalies import AnomalyFilter, StoredAnomaly, list_anomalies
from pipelines.storage.engine import reading, writing
from pipelines.storage.runs import lock_run
from pipelines.storage.watch_tables import Anomaly, Look
from pipelines.watch.config import WatchConfig
from pipelines.watch.labelling import label_anomaly
from pipelines.watch.loading import LoadedDetectors
from pipelines.workflows import run_watch
from tests.running import run, store_at
from tests.runs.processes import run_of, small_run, working
from tests.worlds import store_world, two_tastes

CONFIG = WatchConfig(alert_rate=0.05, kept=300)


def found(engine: Engine, subject: str | None = None) -> list[StoredAnomaly]:
    wanted = AnomalyFilter(subject=subject)
    with reading(engine) as session:
        return list_anomalies(session, limit=2000, after=None, wanted=wanted)


def told(rows: list[StoredAnomaly]) -> list[tuple[object, ...]]:
    return [
        (row.anomaly_id, row.score, row.p_value, row.is_anomaly, row.label, row.contributions)
        for row in rows
    ]


def give(engine: Engine, home: Path, anomaly_id: str) -> None:
    label_anomaly(
        engine,
        LoadedDetectors(engine, str(home / "artifacts")),
        anomaly_id=anomaly_id,
        label="right",
        note="seen between",
        alert_rate=CONFIG.alert_rate,
        now=datetime.now(UTC),
    )


def undisturbed(engine: Engine, home: Path) -> tuple[str, list[tuple[object, ...]]]:
    """The id of a usual user, and what a look finds when that one was labelled; all of it goes."""
    look = (engine, store_at(home), CONFIG)
    run_watch(*look, home=home, on_progress=lambda _: None)
    usual = [row.anomaly_id for row in found(engine, "user") if not row.is_anomaly][3]
    give(engine, home, usual)
    run_watch(*look, home=home, on_progress=lambda _: None)
    expected = told(found(engine))
    with writing(engine) as session:
        session.execute(delete(Anomaly))
        session.execute(delete(Look))
    return usual, expected


@pytest.mark.slow
def test_a_look_killed_in_its_middle_ends_as_an_undisturbed_one(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    store_world(engine, two_tastes(200))
    run(engine, home, small_run(epochs=2))
    usual, expected = undisturbed(engine, home)
    with writing(engine) as session:
        run_id = request_run(session, CONFIG, now=datetime.now(UTC)).run_id
    with working(home, database_url, log) as worker:
        worker.until(lambda: found(engine, "user"))
        with writing(engine) as session:  # from now on the worker can keep nothing more
            asked = lock_run(session, run_id=run_id)
            worker.kill()
    assert asked is not None
    assert asked.status == "running"
    give(engine, home, usual)
    with working(home, database_url, log) as worker:
        worker.until(lambda: run_of(engine, run_id).status == "finished")
    assert told(found(engine)) == expected
    [labelled] = [row for row in found(engine) if row.label is not None]
    assert (labelled.anomaly_id, labelled.note) == (usual, "seen between")
    metrics = run_of(engine, run_id).metrics
    assert metrics is not None
    assert {"user", "interaction", "item", "drift"} <= set(metrics)
