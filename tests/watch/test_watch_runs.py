"""The watch as a run: asked for, carried out, cancelled, and again with the same result."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.errors import InvalidInput
from pipelines.predictor.baseline import Baseline
from pipelines.predictor.predictor import Predictor
from pipelines.predictor.score import score_user
from pipelines.registry.registry import read_active
from pipelines.runs.reporting import RunCancelled
from pipelines.runs.requests import cancel_run, request_run, requested_config
from pipelines.storage.anomalies import StoredAnomaly, list_anomalies
from pipelines.storage.engine import reading, writing
from pipelines.storage.runs import get_run, list_runs
from pipelines.training.progress import Progress
from pipelines.watch.config import WatchConfig, watch_config_of
from pipelines.workflows import carry_out, run_watch
from tests.running import run, store_at
from tests.runs.processes import small_run
from tests.worlds import store_world, two_tastes


def found(engine: Engine) -> list[StoredAnomaly]:
    with reading(engine) as session:
        return list_anomalies(session, limit=500, after=None)


def without_run(rows: list[StoredAnomaly]) -> list[tuple[object, ...]]:
    return [(row.anomaly_id, row.score, row.p_value, row.contributions) for row in rows]


def test_a_watch_finds_the_same_again(engine: Engine, tmp_path: Path) -> None:
    store_world(engine, two_tastes(60))
    artifact_id = run(engine, tmp_path, small_run(epochs=2)).artifact_id
    seen: list[Progress] = []
    in_use: list[int] = []

    def note(progress: Progress) -> None:
        seen.append(progress)
        in_use.append(engine.pool.checkedout())  # type: ignore[attr-defined]

    look = (engine, store_at(tmp_path), WatchConfig(kept=5))
    figures = run_watch(*look, home=tmp_path, on_progress=note)
    # Nothing is computed in a session; on PostgreSQL the run's lock holds a connection.
    assert set(in_use) == {0 if engine.dialect.name == "sqlite" else 1}
    assert figures["user"]["looked_at"] == 60
    assert figures["user"]["kept"] == 5
    rows = [row for row in found(engine) if row.subject == "user"]
    assert len(rows) == 5
    assert {row.source for row in rows} == {artifact_id}
    assert {progress.phase for progress in seen} >= {"histories"}
    for row in rows:
        total = sum(each["contribution"] for each in row.contributions)
        assert total == pytest.approx(row.score, abs=1e-6)
    before = without_run(found(engine))
    run_watch(*look, home=tmp_path, on_progress=seen.append)
    assert without_run(found(engine)) == before


def test_a_queued_watch_is_carried_out_step_by_step(sqlite_engine: Engine, tmp_path: Path) -> None:
    store_world(sqlite_engine, two_tastes(60))
    run(sqlite_engine, tmp_path, small_run(epochs=2))
    with writing(sqlite_engine) as session:
        asked = request_run(session, requested_config("watch"), now=datetime.now(UTC))
    parts = (sqlite_engine, store_at(tmp_path), tmp_path)
    assert carry_out(*parts, step="histories", run_id=asked.run_id)
    assert carry_out(*parts, step="histories", run_id=asked.run_id)  # as after a crash
    assert carry_out(*parts, step="finish", run_id=asked.run_id)
    with reading(sqlite_engine) as session:
        done = get_run(session, run_id=asked.run_id)
    assert done is not None
    assert (done.status, done.artifact_id, done.verdict) == ("finished", None, None)
    assert done.metrics is not None
    kept = {subject: figures["kept"] for subject, figures in done.metrics.items()}
    assert kept == dict(Counter(row.subject for row in found(sqlite_engine)))
    assert set(kept) == {"user", "interaction", "item"}


def test_a_watch_that_is_cancelled_keeps_nothing_of_that_look(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_world(sqlite_engine, two_tastes(60))
    run(sqlite_engine, tmp_path, small_run(epochs=2))

    def cancel(progress: Progress) -> None:
        with writing(sqlite_engine) as session:
            [asked] = list_runs(session, limit=1, after=None)
            if asked.status == "running":
                cancel_run(session, run_id=asked.run_id, now=datetime.now(UTC))

    with pytest.raises(RunCancelled):
        run_watch(
            sqlite_engine, store_at(tmp_path), WatchConfig(), home=tmp_path, on_progress=cancel
        )
    assert found(sqlite_engine) == []


def test_before_training_the_baseline_watches(sqlite_engine: Engine, tmp_path: Path) -> None:
    store_world(sqlite_engine, two_tastes(60))
    look = (sqlite_engine, store_at(tmp_path), WatchConfig(kept=3))
    figures = run_watch(*look, home=tmp_path, on_progress=lambda _: None)
    assert figures.pop("drift") == {"status": "unknown", "inputs": []}
    assert figures.pop("detectors") == {}
    assert figures == {
        "user": {"looked_at": 60, "anomalies": 0, "kept": 3},
        "group": {"looked_at": 60, "anomalies": 0, "kept": 0},
    }
    assert {row.source for row in found(sqlite_engine)} == {"baseline"}


def test_findings_say_what_a_user_is_answered(sqlite_engine: Engine, tmp_path: Path) -> None:
    store_world(sqlite_engine, two_tastes(60))
    run(sqlite_engine, tmp_path, small_run(epochs=2))
    home = (sqlite_engine, store_at(tmp_path))
    whole = run_watch(*home, WatchConfig(), home=tmp_path, on_progress=lambda _: None)
    rows = [row for row in found(sqlite_engine) if row.subject == "user"]
    with reading(sqlite_engine) as session:
        artifact = read_active(session, home[1])
        assert artifact is not None
        predictor = Predictor(artifact)
        for row in rows[:5]:
            assert row.user_id is not None
            answer = score_user(session, predictor, Baseline(), user_id=row.user_id, alert_rate=0.1)
            assert answer.anomaly_score == pytest.approx(row.score, abs=1e-5)
            assert answer.p_value == pytest.approx(row.p_value, abs=0.02)
            assert [each.item_id for each in answer.contributions] == [
                each["item_id"] for each in row.contributions
            ]
    # Fewer entries than there are: suspects and a sample, to the same scores.
    part = run_watch(
        *home, WatchConfig(exact_entries=240), home=tmp_path, on_progress=lambda _: None
    )
    assert whole["user"]["looked_at"] == 60
    assert part["user"]["looked_at"] == 30
    scores = {row.user_id: row.score for row in rows}
    for row in found(sqlite_engine):
        if row.subject == "user":
            assert row.score == pytest.approx(scores[row.user_id], abs=1e-5)


def test_options_of_a_watch_are_checked_and_named() -> None:
    config = requested_config("watch", alert_rate=0.2)
    assert isinstance(config, WatchConfig)
    assert (config.alert_rate, config.kept) == (0.2, WatchConfig().kept)
    assert watch_config_of(config.values()) == config
    for values, field in [({"alert_rate": 2.0}, "alert_rate"), ({"subject": "watch", "x": 1}, "x")]:
        with pytest.raises(InvalidInput) as caught:
            watch_config_of(values)
        assert [error.pointer for error in caught.value.errors] == [f"/{field}"]
    with pytest.raises(InvalidInput, match="no option epochs"):
        requested_config("watch", epochs=3)
    with pytest.raises(InvalidInput, match="no option alert_rate"):
        requested_config("denoising", alert_rate=0.1)
    with pytest.raises(InvalidInput, match="watch"):
        requested_config("wach")
