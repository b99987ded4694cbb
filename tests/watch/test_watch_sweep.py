"""The watch over groups of users, and by every detector over what is stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from pipelines.runs.chains import CHAINS
from pipelines.runs.reporting import RunCancelled
from pipelines.runs.requests import cancel_run
from pipelines.storage.anomalies import AnomalyFilter, StoredAnomaly, list_anomalies
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.runs import list_runs
from pipelines.storage.tables import UNTIMED
from pipelines.training.progress import OnProgress, Progress
from pipelines.watch.asking import request_detector
from pipelines.watch.config import WatchConfig
from pipelines.watch.detector_files import folder_of
from pipelines.watch.groups import find_groups
from pipelines.watch.labelling import label_anomaly
from pipelines.watch.loading import LoadedDetectors
from pipelines.watch.settings import DETECTORS, DetectorSettings, settings_of
from pipelines.workflows import carry_out, run_watch
from tests.running import store_at
from tests.worlds import store_fakes


def watch(
    engine: Engine, home: Path, *, on_progress: OnProgress = lambda _: None, **options: Any
) -> dict[str, Any]:
    config = WatchConfig(**options)
    return run_watch(engine, store_at(home), config, home=home, on_progress=on_progress)


def found(engine: Engine, **wanted: Any) -> list[StoredAnomaly]:
    with reading(engine) as session:
        return list_anomalies(session, limit=500, after=None, wanted=AnomalyFilter(**wanted))


def fit(engine: Engine, home: Path, settings: DetectorSettings) -> str:
    """The id of a detector, fitted as a worker would."""
    with writing(engine) as session:
        asked = request_detector(session, settings, None, now=datetime.now(UTC))
    for name, _ in CHAINS[DETECTORS].steps:
        carry_out(engine, store_at(home), home, step=name, run_id=asked.run_id)
    return asked.detector_id


def test_a_watch_names_groups_their_members_and_what_they_are_after(
    engine: Engine, tmp_path: Path
) -> None:
    fakes = store_fakes(engine)
    figures = watch(engine, tmp_path)
    groups = found(engine, subject="group")
    with reading(engine) as session:
        expected = find_groups(session)
    assert figures["group"] == {
        "looked_at": expected.n_users,
        "anomalies": len(expected.groups),
        "kept": len(groups),
    }
    first = groups[0]
    assert first.place is not None
    assert len(fakes.user_ids & set(first.place["user_ids"])) >= 0.9 * len(fakes.user_ids)
    assert fakes.target in [each["item_id"] for each in first.place["targets"]]
    assert (first.source, first.is_anomaly, first.user_id) == ("groups", True, None)
    assert first.item_id == first.place["targets"][0]["item_id"]
    assert first.score == pytest.approx(expected.groups[0].score)
    assert sum(each["contribution"] for each in first.contributions) == pytest.approx(first.score)
    target = next(each for each in first.contributions if each.get("item_id") == fakes.target)
    assert target["observed"] > target["expected"]


def test_a_group_keeps_its_label_when_a_member_joins(engine: Engine, tmp_path: Path) -> None:
    store_fakes(engine)
    watch(engine, tmp_path)
    before = found(engine, subject="group")[0]
    told = label_anomaly(
        engine,
        LoadedDetectors(engine, str(tmp_path / "artifacts")),
        anomaly_id=before.anomaly_id,
        label="false-alarm",
        alert_rate=0.01,
        now=datetime.now(UTC),
    )
    assert (told.before, told.after) == (None, None)  # a rule of its own decides
    assert before.place is not None
    with writing(engine) as session:
        pattern = [each["item_id"] for each in before.place["targets"]]
        shared = before.place["shared_item_ids"]
        rows = [NewInteraction("joins", each, "rating", 5.0, UNTIMED) for each in pattern]
        rows += [NewInteraction("joins", each, "rating", 1.0, UNTIMED) for each in shared]
        store_interactions(session, rows=rows, now=datetime.now(UTC))
    watch(engine, tmp_path)
    [labelled] = found(engine, subject="group", label="false-alarm")
    assert labelled.anomaly_id == before.anomaly_id
    assert labelled.run_id != before.run_id


def test_every_detector_over_what_is_stored_looks(engine: Engine, tmp_path: Path) -> None:
    store_fakes(engine)
    ids = [
        fit(engine, tmp_path, settings_of({"over": "users", "form": "fast"})),
        fit(engine, tmp_path, settings_of({"over": "items", "form": "fast"})),
    ]
    seen: list[Progress] = []
    figures = watch(engine, tmp_path, kept=7, on_progress=seen.append)
    assert {each.phase for each in seen} >= {"groups", "detectors"}
    assert list(figures["detectors"]) == ids
    for detector_id, subject in zip(ids, ("user", "item"), strict=True):
        rows = found(engine, finder=detector_id)
        assert {(row.subject, row.source) for row in rows} == {(subject, detector_id)}
        told = figures["detectors"][detector_id]
        assert told["kept"] == len(rows) == 7
        assert told["anomalies"] >= sum(row.is_anomaly for row in rows)
    again = watch(engine, tmp_path, kept=7)
    assert again["detectors"] == figures["detectors"]


def test_a_damaged_detector_stops_no_other(sqlite_engine: Engine, tmp_path: Path) -> None:
    store_fakes(sqlite_engine)
    settings = settings_of({"over": "items", "form": "fast"})
    damaged, whole = (
        fit(sqlite_engine, tmp_path, replace(settings, name=name)) for name in ("damaged", "whole")
    )
    store_at(tmp_path).remove(folder_of(damaged))
    figures = watch(sqlite_engine, tmp_path)["detectors"]
    assert "is damaged" in figures[damaged]["problem"]
    assert figures[whole]["kept"] == 200
    assert found(sqlite_engine, finder=damaged) == []


def test_a_watch_that_is_cancelled_does_not_reach_the_next_detector(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_fakes(sqlite_engine)
    detector_id = fit(sqlite_engine, tmp_path, settings_of({"over": "items", "form": "fast"}))

    def cancel(progress: Progress) -> None:
        if progress.phase != "groups":
            return
        with writing(sqlite_engine) as session:
            [asked] = [run for run in list_runs(session, limit=9, after=None) if run.process]
            if asked.status == "running":
                cancel_run(session, run_id=asked.run_id, now=datetime.now(UTC))

    with pytest.raises(RunCancelled):
        watch(sqlite_engine, tmp_path, on_progress=cancel)
    assert found(sqlite_engine, finder=detector_id) == []
    assert found(sqlite_engine, subject="group") == []
    assert found(sqlite_engine, subject="user") != []


def test_the_odd_stretch_of_a_user_is_found_by_the_watch(engine: Engine, tmp_path: Path) -> None:
    """One user of twelve took an item a second for a while, all others one a day."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(12):
        moment = datetime(2026, 3, 2, 12, tzinfo=UTC)
        for num in range(40):
            burst = user == 11 and 15 <= num < 27
            moment += timedelta(seconds=1) if burst else timedelta(hours=20 + 8 * rng.random())
            rows.append(NewInteraction(f"u{user:02}", f"i{num % 15}", "play", 1.0, moment))
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=datetime.now(UTC))
    settings = settings_of({"over": "sequences", "window": 8, "form": "fast", "regime": "clean"})
    detector_id = fit(engine, tmp_path, settings)
    told = watch(engine, tmp_path, alert_rate=0.05)["detectors"][detector_id]
    windows = found(engine, subject="window")
    assert told["kept"] == len(windows) > 0
    assert (windows[0].user_id, windows[0].finder) == ("u11", detector_id)
    assert windows[0].place is not None
    assert 8 <= windows[0].place["start"] <= windows[0].place["end"] <= 34
