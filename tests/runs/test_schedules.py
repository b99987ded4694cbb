"""Schedules: which moments a cron expression names, and that each fires once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from pipelines.errors import InvalidInput, NotFound
from pipelines.runs import schedules
from pipelines.runs.cron import next_time
from pipelines.runs.requests import cancel_run
from pipelines.runs.schedules import Rule, fire_counted, fire_due
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.runs import list_runs
from pipelines.storage.schedules import get_schedule
from pipelines.storage.tables import UNTIMED, Run, Schedule
from pipelines.storage.users import delete_user

FRIDAY = datetime(2026, 3, 6, 12, tzinfo=UTC)
NIGHTLY = Rule("denoising", cron="0 3 * * 1-5")


def times(cron: str, zone: str, after: datetime, n: int) -> list[str]:
    found = []
    for _ in range(n):
        after = next_time(cron, zone, after=after)
        found.append(after.strftime("%a %d %H:%M"))
    return found


def test_1_to_5_is_monday_to_friday() -> None:
    found = times("0 3 * * 1-5", "UTC", FRIDAY, 6)
    assert [day[:3] for day in found] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Mon"]
    assert times("0 3 * * 0", "UTC", FRIDAY, 1) == times("0 3 * * sun", "UTC", FRIDAY, 1)
    assert times("0 3 * * 7", "UTC", FRIDAY, 1) == ["Sun 08 03:00"]


def test_a_time_zone_moves_with_its_summer_time() -> None:
    saturday = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert times("0 3 * * *", "Europe/Madrid", saturday, 2) == ["Sun 29 01:00", "Mon 30 01:00"]
    assert times("0 3 * * *", "Europe/Madrid", FRIDAY, 1) == ["Sat 07 02:00"]


def test_a_skipped_time_comes_when_the_clocks_go_on_and_a_repeated_one_once() -> None:
    spring, autumn = (datetime(2026, *day, 12, tzinfo=UTC) for day in ((3, 28), (10, 24)))
    assert times("30 2 * * *", "Europe/Madrid", spring, 2) == ["Sun 29 01:00", "Mon 30 00:30"]
    assert times("30 2 * * *", "Europe/Madrid", autumn, 2) == ["Sun 25 00:30", "Mon 26 01:30"]
    hourly = times("30 * * * *", "Europe/Madrid", datetime(2026, 10, 25, tzinfo=UTC), 3)
    assert hourly == ["Sun 25 00:30", "Sun 25 01:30", "Sun 25 02:30"]


@given(st.integers(0, 5_000_000))
def test_the_next_time_is_later_and_at_most_a_day_and_an_hour_away(minutes: int) -> None:
    after = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    following = next_time("30 2 * * *", "Europe/Madrid", after=after)
    assert timedelta(0) < following - after <= timedelta(hours=25)


@pytest.mark.parametrize(
    "cron",
    ["", "0 3 * *", "0 3 * * 1-5 0", "@daily", "R * * * *", "60 3 * * *", "0 3 * * 8", "0 3 31 2 *"]
    + ["*/0 * * * *", "0 3 * * mon-", "\0", "0 3 ? * *"],
)
def test_a_wrong_cron_expression_is_named(cron: str) -> None:
    with pytest.raises(InvalidInput) as error:
        next_time(cron, "UTC", after=FRIDAY)
    assert error.value.errors[0].pointer == "/cron"


@pytest.mark.parametrize("zone", ["Mars", "", "../etc/passwd", "/etc/passwd", "Europe", "\0"])
def test_a_wrong_time_zone_is_named(zone: str) -> None:
    with pytest.raises(InvalidInput) as error:
        next_time("0 3 * * *", zone, after=FRIDAY)
    assert error.value.errors[0].pointer == "/timezone"


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        (Rule("nothing", cron="0 3 * * *"), "/config"),
        (Rule("denoising"), "/cron"),
        (Rule("denoising", cron="0 3 * * *", after_interactions=5), "/cron"),
        (Rule("denoising", after_interactions=0), "/after_interactions"),
        (Rule("denoising", timezone="UTC", after_interactions=5), "/timezone"),
    ],
)
def test_a_wrong_rule_is_named(sqlite_engine: Engine, rule: Rule, pointer: str) -> None:
    with pytest.raises(InvalidInput) as error:
        put(sqlite_engine, rule)
    assert error.value.errors[0].pointer == pointer


def put(engine: Engine, rule: Rule, now: datetime = FRIDAY) -> bool:
    with writing(engine) as session:
        return schedules.set_schedule(session, name="nightly", rule=rule, now=now)[1]


def stored(engine: Engine) -> Schedule:
    with reading(engine) as session:
        schedule = get_schedule(session, name="nightly")
    assert schedule is not None
    return schedule


def runs_of(engine: Engine) -> list[Run]:
    with reading(engine) as session:
        return list_runs(session, limit=100, after=None)


def cancel_all(engine: Engine) -> None:
    for run in runs_of(engine):
        if run.status == "queued":
            with writing(engine) as session:
                cancel_run(session, run_id=run.run_id, now=FRIDAY)


def test_the_same_rule_again_changes_nothing_and_another_replaces_it(engine: Engine) -> None:
    assert put(engine, NIGHTLY)
    before = stored(engine).updated_at
    assert not put(engine, NIGHTLY, FRIDAY + timedelta(days=1))
    assert stored(engine).updated_at == before
    assert not put(engine, Rule("denoising", cron="0  4 * * *", timezone="Europe/Madrid"))
    schedule = stored(engine)
    assert (schedule.cron, schedule.timezone) == ("0 4 * * *", "Europe/Madrid")
    assert schedule.due_at == datetime(2026, 3, 7, 3, tzinfo=UTC)


def test_it_fires_when_its_time_has_come_and_once_for_all_times_missed(engine: Engine) -> None:
    put(engine, NIGHTLY)
    fire_due(engine, now=FRIDAY + timedelta(days=2))
    assert runs_of(engine) == []
    fire_due(engine, now=datetime(2026, 3, 12, 4, tzinfo=UTC))
    fire_due(engine, now=datetime(2026, 3, 12, 5, tzinfo=UTC))
    [run] = runs_of(engine)
    assert (run.config, run.status) == ("denoising", "queued")
    assert stored(engine).run_id == run.run_id
    assert stored(engine).due_at == datetime(2026, 3, 13, 3, tzinfo=UTC)


def test_many_workers_fire_it_once(engine: Engine) -> None:
    put(engine, NIGHTLY)
    together = threading.Barrier(8)

    def fire() -> None:
        together.wait()
        fire_due(engine, now=FRIDAY + timedelta(days=3))

    threads = [threading.Thread(target=fire) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs_of(engine)) == 1


def test_runs_that_nobody_begins_do_not_pile_up(engine: Engine) -> None:
    put(engine, NIGHTLY)
    for days in (3, 4, 5):
        fire_due(engine, now=FRIDAY + timedelta(days=days))
    assert len(runs_of(engine)) == 1
    cancel_all(engine)
    fire_due(engine, now=FRIDAY + timedelta(days=6))
    assert len(runs_of(engine)) == 2


def test_a_paused_schedule_is_silent_and_makes_up_for_nothing(engine: Engine) -> None:
    put(engine, NIGHTLY)
    with writing(engine) as session:
        schedules.pause_schedule(session, name="nightly", now=FRIDAY)
    later = datetime(2026, 3, 12, 4, tzinfo=UTC)
    fire_due(engine, now=later)
    with writing(engine) as session:
        schedules.resume_schedule(session, name="nightly", now=later)
    fire_due(engine, now=later)
    assert runs_of(engine) == []
    assert stored(engine).due_at == datetime(2026, 3, 13, 3, tzinfo=UTC)


def test_triggering_asks_at_once_and_leaves_the_times(engine: Engine) -> None:
    put(engine, NIGHTLY)
    with writing(engine) as session:
        run = schedules.trigger_schedule(session, name="nightly", now=FRIDAY)
    assert [row.run_id for row in runs_of(engine)] == [run.run_id]
    assert stored(engine).due_at == datetime(2026, 3, 9, 3, tzinfo=UTC)


def like(engine: Engine, user_id: str, n: int) -> None:
    rows = [NewInteraction(user_id, f"item-{num}", "like", 1.0, UNTIMED) for num in range(n)]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=FRIDAY)


def test_it_fires_after_so_many_new_interactions(engine: Engine) -> None:
    like(engine, "before", 50)
    put(engine, Rule("denoising", after_interactions=10))
    like(engine, "first", 9)
    fire_counted(engine, now=FRIDAY)
    assert runs_of(engine) == []
    like(engine, "second", 1)
    fire_counted(engine, now=FRIDAY)
    fire_counted(engine, now=FRIDAY)
    assert len(runs_of(engine)) == 1
    with writing(engine) as session:
        delete_user(session, user_id="before")
    cancel_all(engine)
    fire_counted(engine, now=FRIDAY)
    like(engine, "third", 10)
    fire_counted(engine, now=FRIDAY)
    assert len(runs_of(engine)) == 2


def test_what_is_not_there_is_said(sqlite_engine: Engine) -> None:
    for change in (schedules.pause_schedule, schedules.resume_schedule, schedules.trigger_schedule):
        with pytest.raises(NotFound, match="schedules list"), writing(sqlite_engine) as session:
            change(session, name="weekly", now=FRIDAY)
