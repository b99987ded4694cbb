"""Labels of what the watch found: each subject's threshold moves at once, and back exactly."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from pipelines.errors import Conflict
from pipelines.storage.anomalies import WATCH, AnomalyFilter, StoredAnomaly, list_anomalies
from pipelines.storage.engine import reading, writing
from pipelines.storage.looks import StoredLook, last_look, put_look
from pipelines.storage.watch_tables import Anomaly
from pipelines.watch.config import WatchConfig
from pipelines.watch.labelling import NO_THRESHOLD, Relabelled, label_anomaly
from pipelines.watch.loading import LoadedDetectors
from pipelines.workflows import run_watch
from tests.running import run, store_at
from tests.runs.processes import small_run
from tests.worlds import store_world, two_tastes

RATE = 0.05
SUBJECTS = ("user", "interaction", "item")


def look(engine: Engine, home: Path, config: WatchConfig) -> None:
    run_watch(engine, store_at(home), config, home=home, on_progress=lambda _: None)


@pytest.fixture
def watched(engine: Engine, tmp_path: Path) -> Engine:
    """Everything was looked at by an artifact, and all that is there is kept."""
    store_world(engine, two_tastes(60))
    run(engine, tmp_path, small_run(epochs=2))
    look(engine, tmp_path, WatchConfig(alert_rate=RATE, kept=500))
    return engine


def found(engine: Engine, subject: str) -> list[StoredAnomaly]:
    with reading(engine) as session:
        wanted = AnomalyFilter(subject=subject)
        return list_anomalies(session, limit=1000, after=None, wanted=wanted)


def alarms(engine: Engine, subject: str) -> set[str]:
    return {row.anomaly_id for row in found(engine, subject) if row.is_anomaly}


def give(engine: Engine, home: Path, anomaly_id: str, label: str | None) -> Relabelled:
    return label_anomaly(
        engine,
        LoadedDetectors(engine, str(home / "artifacts")),
        anomaly_id=anomaly_id,
        label=label,
        alert_rate=RATE,
        now=datetime.now(UTC),
    )


@pytest.mark.parametrize("subject", SUBJECTS)
def test_without_labels_alarms_are_those_above_the_threshold(
    watched: Engine, tmp_path: Path, subject: str
) -> None:
    before = found(watched, subject)
    first = give(watched, tmp_path, before[0].anomaly_id, "right").before
    assert first is not None
    above = [row for row in before if first.threshold and row.score > first.threshold]
    assert {row.anomaly_id for row in above} == {r.anomaly_id for r in before if r.is_anomaly}
    assert (first.n_alerts, first.n_labels, first.labelled_errors) == (len(above), 0, 0)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_confirmed_anomaly_lowers_the_threshold_to_it_and_undo_restores_all(
    watched: Engine, tmp_path: Path, subject: str
) -> None:
    before = found(watched, subject)
    usual = [row for row in before if not row.is_anomaly][5]
    told = give(watched, tmp_path, usual.anomaly_id, "right")
    assert told.before is not None
    assert told.after is not None
    assert told.after.threshold is not None
    assert told.after.threshold < usual.score
    assert told.before.threshold is None or told.after.threshold < told.before.threshold
    assert told.after.n_alerts > told.before.n_alerts
    assert (told.after.n_labels, told.after.labelled_errors) == (1, 0)
    assert len(alarms(watched, subject)) == told.after.n_alerts
    assert usual.anomaly_id in alarms(watched, subject)
    with pytest.raises(Conflict, match="labelled right already"):
        give(watched, tmp_path, usual.anomaly_id, "false-alarm")
    undone = give(watched, tmp_path, usual.anomaly_id, None)
    assert (undone.before, undone.after) == (told.after, told.before)
    assert found(watched, subject) == before


@pytest.mark.parametrize("subject", SUBJECTS)
def test_false_alarms_raise_the_threshold_of_their_subject_alone(
    watched: Engine, tmp_path: Path, subject: str
) -> None:
    others = {each: alarms(watched, each) for each in SUBJECTS if each != subject}
    strangest = found(watched, subject)[:3]
    told = [give(watched, tmp_path, row.anomaly_id, "false-alarm") for row in strangest]
    first, last = told[0].before, told[-1].after
    assert first is not None
    assert last is not None
    if first.threshold is not None:
        assert last.threshold is None or last.threshold >= first.threshold
    assert last.n_alerts <= first.n_alerts
    assert not alarms(watched, subject) & {row.anomaly_id for row in strangest}
    assert {each: alarms(watched, each) for each in others} == others
    for row in strangest:
        give(watched, tmp_path, row.anomaly_id, None)
    assert found(watched, subject)[:3] == strangest


def test_the_next_look_heeds_the_labels_that_there_are(watched: Engine, tmp_path: Path) -> None:
    before = found(watched, "item")
    usual = [row for row in before if not row.is_anomaly][5]
    give(watched, tmp_path, usual.anomaly_id, "right")
    heeded = alarms(watched, "item")
    look(watched, tmp_path, WatchConfig(alert_rate=RATE, kept=500))
    assert alarms(watched, "item") == heeded
    give(watched, tmp_path, usual.anomaly_id, None)
    assert alarms(watched, "item") == {row.anomaly_id for row in before if row.is_anomaly}


def test_a_false_alarm_is_an_anomaly_again_when_it_is_stranger_than_it_was(
    watched: Engine, tmp_path: Path
) -> None:
    [first, *_] = [row for row in found(watched, "item") if row.is_anomaly]
    give(watched, tmp_path, first.anomaly_id, "false-alarm")
    look(watched, tmp_path, WatchConfig(alert_rate=RATE, kept=500))
    assert first.anomaly_id not in alarms(watched, "item")
    with writing(watched) as session:
        session.execute(
            update(Anomaly)
            .where(Anomaly.anomaly_id == first.anomaly_id)
            .values(labelled_score=first.score - 0.1 * abs(first.score))
        )
    look(watched, tmp_path, WatchConfig(alert_rate=RATE, kept=500))
    assert first.anomaly_id in alarms(watched, "item")


def test_discoveries_stay_what_the_look_found(watched: Engine, tmp_path: Path) -> None:
    look(watched, tmp_path, WatchConfig(false_discovery_rate=0.2, kept=500))
    before = alarms(watched, "user")
    usual = [row for row in found(watched, "user") if not row.is_anomaly][5]
    told = give(watched, tmp_path, usual.anomaly_id, "right")
    assert told.after is not None
    assert alarms(watched, "user") == before


def test_of_two_who_label_at_once_the_second_is_told(watched: Engine, tmp_path: Path) -> None:
    [first, *_] = found(watched, "user")

    def label(what: str) -> str:
        try:
            give(watched, tmp_path, first.anomaly_id, what)
        except Conflict as error:
            return error.detail
        return what

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(label, ("right", "false-alarm")))
    [kept] = [row.label for row in found(watched, "user") if row.label is not None]
    assert sorted(told, key=len)[0] == kept
    assert f"labelled {kept} already" in sorted(told, key=len)[1]


def test_a_look_by_another_source_leaves_former_labels_without_a_threshold(
    watched: Engine, tmp_path: Path
) -> None:
    [first, *_] = found(watched, "item")
    with writing(watched) as session:
        other = StoredLook("a9", among=True, scores=[3.0, 1.0, 2.0])
        put_look(session, finder=WATCH, subject="item", look=other)
    told = give(watched, tmp_path, first.anomaly_id, "right")
    assert (told.before, told.after, told.notes) == (None, None, (NO_THRESHOLD,))
    with reading(watched) as session:
        kept = last_look(session, finder=WATCH, subject="item")
    assert kept is not None
    assert list(kept.scores) == [1.0, 2.0, 3.0]
