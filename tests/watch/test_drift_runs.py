"""Drift of what is stored: measured by the watch, told with a remedy, and a cause of a training."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.errors import InvalidInput
from pipelines.registry.artifact import read_artifact
from pipelines.registry.registry import promote_by_id
from pipelines.runs import schedules
from pipelines.runs.schedules import Rule, fire_drifted
from pipelines.storage import artifacts, drifts, runs
from pipelines.storage.anomalies import WATCH
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.schedules import get_schedule
from pipelines.storage.tables import UNTIMED
from pipelines.watch.config import WatchConfig
from pipelines.watch.drift_reports import RETRAINED, Drifts, known_drifts
from pipelines.workflows import run_watch
from tests.running import run, store_at
from tests.runs.processes import small_run
from tests.worlds import store_world, two_tastes

FRIDAY = datetime(2026, 3, 6, 12, tzinfo=UTC)
N_USERS = 300


def looked(engine: Engine, home: Path) -> Drifts:
    run_watch(engine, store_at(home), WatchConfig(kept=5), home=home, on_progress=lambda _: None)
    with reading(engine) as session:
        return known_drifts(session)


def store_others(engine: Engine, first: int = 0) -> None:
    """As many users with what nobody knew."""
    others = [
        NewInteraction(f"new-{first + user}", f"novelty-{item}", "like", 1.0, UNTIMED)
        for user in range(N_USERS)
        for item in range(3)
    ]
    with writing(engine) as session:
        store_interactions(session, rows=others, now=FRIDAY)


def test_what_changed_since_training_is_named_and_what_did_not_is_not(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    with reading(sqlite_engine) as session:
        assert known_drifts(session).note is not None
    store_world(sqlite_engine, two_tastes(N_USERS))
    artifact_id = run(sqlite_engine, tmp_path, small_run(epochs=2)).artifact_id
    [before] = looked(sqlite_engine, tmp_path).reports
    assert (before.status, before.source, before.alert) == ("none", artifact_id, None)
    assert {each["psi"] for each in before.inputs} == {0.0, None}  # nothing has changed at all

    store_others(sqlite_engine)
    after = looked(sqlite_engine, tmp_path)
    [report] = after.reports
    drifted = {each["input"] for each in report.inputs if each["drifted"]}
    assert after.status == "drifted"
    assert drifted >= {"history-length", "unknown-items"}
    assert not drifted & {"weight"}
    assert report.alert is not None
    assert "unknown-items" in report.alert.reason
    assert "--on-drift" in report.alert.remedy


def test_a_training_on_drift_that_is_not_promoted_is_not_asked_for_again(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    engine, store = sqlite_engine, store_at(tmp_path)
    store_world(engine, two_tastes(N_USERS))
    first = run(engine, tmp_path, small_run(epochs=2)).artifact_id
    with writing(engine) as session:
        rule = Rule("denoising", on_drift=True)
        schedules.set_schedule(session, name="fresh", rule=rule, now=FRIDAY)
    store_others(engine)
    looked(engine, tmp_path)
    asked = fired(engine, datetime.now(UTC))
    assert asked is not None
    second = run(engine, tmp_path, small_run(epochs=2)).artifact_id  # what the schedule asked for
    promote_by_id(engine, store, first)
    told = {each.finder: each for each in looked(engine, tmp_path).reports}
    assert (told[WATCH].source, told[WATCH].status) == (first, "drifted")
    assert (told[RETRAINED].source, told[RETRAINED].status) == (second, "none")
    assert told[WATCH].alert is not None
    assert f"{second} was trained since, and was not promoted" in told[WATCH].alert.remedy
    assert fired(engine, datetime.now(UTC)) == asked
    store_others(engine, first=N_USERS)  # so many more that the last training does not know either
    store_others(engine, first=2 * N_USERS)
    assert {each.status for each in looked(engine, tmp_path).reports} == {"drifted"}
    assert fired(engine, datetime.now(UTC)) not in (None, asked)
    promote_by_id(engine, store, second)
    [only] = looked(engine, tmp_path).reports  # the last training is live: nothing else is asked
    assert (only.finder, only.source) == (WATCH, second)


def test_artifacts_of_before_inputs_were_kept_still_load(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_world(sqlite_engine, two_tastes(60))
    monkeypatch.setattr("pipelines.runs.steps.inputs_of_training", lambda *_, **__: None)
    artifact_id = run(sqlite_engine, tmp_path, small_run(epochs=2)).artifact_id
    assert read_artifact(store_at(tmp_path), artifact_id).inputs is None
    [report] = looked(sqlite_engine, tmp_path).reports
    assert report.status == "unknown"
    assert report.note is not None
    assert "hourglass train" in report.note


def test_equal_trainings_keep_equal_inputs(sqlite_engine: Engine, tmp_path: Path) -> None:
    store_world(sqlite_engine, two_tastes(60))
    first, second = (run(sqlite_engine, tmp_path, small_run(epochs=2)) for _ in range(2))
    assert first.artifact_id == second.artifact_id


def put_report(
    engine: Engine, source: str, status: str, at: datetime, *, finder: str = WATCH
) -> None:
    with writing(engine) as session:
        drifts.put_drift(
            session, finder=finder, source=source, status=status, inputs={}, run_id=None, now=at
        )


def train_on_drift(engine: Engine) -> None:
    """An artifact is live, and a schedule waits for its drift."""
    with writing(engine) as session:
        artifacts.add_artifact(
            session,
            artifact_id="a1",
            kind="denoising",
            config="denoising",
            manifest={},
            run_id="r1",
            now=FRIDAY,
        )
        artifacts.promote_artifact(session, artifact_id="a1", now=FRIDAY)
        rule = Rule("denoising", on_drift=True)
        schedules.set_schedule(session, name="fresh", rule=rule, now=FRIDAY)


def fired(engine: Engine, at: datetime) -> str | None:
    """The run that the schedule asked for last, which is carried out at once."""
    fire_drifted(engine, now=at)
    with writing(engine) as session:
        schedule = get_schedule(session, name="fresh")
        assert schedule is not None
        if schedule.run_id is not None:
            runs.update_run(session, run_id=schedule.run_id, status="finished")
        return schedule.run_id


def test_a_schedule_fires_once_for_each_look_that_finds_drift(engine: Engine) -> None:
    train_on_drift(engine)
    hour = timedelta(hours=1)
    assert fired(engine, FRIDAY) is None
    put_report(engine, "a1", "none", FRIDAY)
    assert fired(engine, FRIDAY) is None
    put_report(engine, "a0", "drifted", FRIDAY)  # of a training that is no longer live
    assert fired(engine, FRIDAY) is None
    put_report(engine, "a1", "drifted", FRIDAY)
    first = fired(engine, FRIDAY + hour)
    assert first is not None
    assert fired(engine, FRIDAY + 2 * hour) == first
    put_report(engine, "a1", "drifted", FRIDAY + 3 * hour)
    assert fired(engine, FRIDAY + 4 * hour) not in (None, first)


@pytest.mark.parametrize(("since", "fires"), [("none", False), ("unknown", True)])
def test_only_a_last_training_that_is_known_to_fit_keeps_a_schedule_from_firing(
    engine: Engine, since: str, fires: bool
) -> None:
    """One that is damaged would never be replaced else."""
    train_on_drift(engine)
    put_report(engine, "a1", "drifted", FRIDAY)
    put_report(engine, "a2", since, FRIDAY, finder=RETRAINED)
    assert (fired(engine, FRIDAY + timedelta(hours=1)) is not None) == fires


def test_no_training_is_asked_for_while_one_is_under_way_or_by_a_look_of_then(
    engine: Engine,
) -> None:
    train_on_drift(engine)
    hour = timedelta(hours=1)
    put_report(engine, "a1", "drifted", FRIDAY)
    fire_drifted(engine, now=FRIDAY + hour)
    with writing(engine) as session:
        schedule = get_schedule(session, name="fresh")
        assert schedule is not None
        first = str(schedule.run_id)
        runs.update_run(session, run_id=first, status="running")
    put_report(engine, "a1", "drifted", FRIDAY + 2 * hour)
    fire_drifted(engine, now=FRIDAY + 3 * hour)
    ended = FRIDAY + 4 * hour
    with writing(engine) as session:
        runs.update_run(session, run_id=first, status="finished", finished_at=ended)
    fire_drifted(engine, now=FRIDAY + 5 * hour)  # the report is of before the training's end
    with reading(engine) as session:
        schedule = get_schedule(session, name="fresh")
    assert schedule is not None
    assert schedule.run_id == first
    put_report(engine, "a1", "drifted", FRIDAY + 6 * hour)
    assert fired(engine, FRIDAY + 7 * hour) not in (None, first)


@pytest.mark.parametrize("config", ["watch", "convolutional"])
def test_what_does_not_train_on_interactions_cannot_wait_for_drift(
    sqlite_engine: Engine, config: str
) -> None:
    rule = Rule(config, on_drift=True)
    with writing(sqlite_engine) as session, pytest.raises(InvalidInput, match="denoising") as told:
        schedules.set_schedule(session, name="s", rule=rule, now=FRIDAY)
    assert [error.pointer for error in told.value.errors] == ["/on_drift"]


def test_a_schedule_has_one_trigger(sqlite_engine: Engine) -> None:
    for rule in (
        Rule("denoising"),
        Rule("denoising", cron="0 3 * * *", on_drift=True),
        Rule("denoising", after_interactions=3, on_drift=True),
    ):
        with writing(sqlite_engine) as session, pytest.raises(InvalidInput, match="one of cron"):
            schedules.set_schedule(session, name="s", rule=rule, now=FRIDAY)
