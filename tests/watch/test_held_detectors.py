"""Detectors changed while others use them: no stale weights, nothing kept of what is deleted."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from pipelines.errors import Conflict, NotFound
from pipelines.runs.requests import cancel_run
from pipelines.storage.anomalies import list_anomalies
from pipelines.storage.drifts import list_drifts
from pipelines.storage.engine import reading, writing
from pipelines.storage.weights import add_weights, delete_last_weights
from pipelines.watch import fit_steps
from pipelines.watch.asking import delete_detector
from pipelines.watch.keeping import keep_rows
from pipelines.watch.loading import LoadedDetector, LoadedDetectors
from pipelines.watch.reweighting import undo_reweight
from pipelines.watch.row_drift import report_drift
from pipelines.watch.scoring import Rule, ScoredRows, score_rows
from pipelines.watch.settings import DETECTORS
from pipelines.watch.showing import live_sources
from tests.running import store_at
from tests.runs.processes import run_of
from tests.watch.test_detector_runs import ask, fit, table


@pytest.fixture
def detector_id(engine: Engine, tmp_path: Path) -> str:
    asked = ask(engine, table())
    fit(engine, tmp_path, asked)
    return asked.detector_id


@pytest.fixture
def detectors(engine: Engine, tmp_path: Path) -> LoadedDetectors:
    return LoadedDetectors(engine, str(tmp_path / "artifacts"))


def weigh(engine: Engine, loaded: LoadedDetector, weight: float, run_id: str) -> None:
    weights = dict.fromkeys(loaded.weights, weight)
    with writing(engine) as session:
        add_weights(
            session,
            detector_id=str(loaded.detector_id),
            weights=weights,
            figures={},
            run_id=run_id,
            now=datetime.now(UTC),
        )


def undo(engine: Engine, detector_id: str) -> None:
    with writing(engine) as session:
        delete_last_weights(session, detector_id=detector_id)


def delete(engine: Engine, detector_id: str) -> None:
    with writing(engine) as session:
        delete_detector(session, detector_id=detector_id, now=datetime.now(UTC))


def scored(loaded: LoadedDetector) -> ScoredRows:
    return score_rows(loaded, table(5), Rule())


def kept(engine: Engine, loaded: LoadedDetector) -> None:
    with writing(engine) as session:
        keep_rows(session, loaded, scored(loaded), now=datetime.now(UTC))


def assert_nothing_is_left(engine: Engine) -> None:
    with reading(engine) as session:
        assert list_anomalies(session, limit=9, after=None) == []
        assert list_drifts(session) == []


def live_sources_of(engine: Engine, detector_id: str) -> list[str]:
    with reading(engine) as session:
        return [each for each in live_sources(session) if each.startswith(detector_id)]


def test_weights_that_were_undone_and_made_anew_are_served_at_once(
    engine: Engine, detectors: LoadedDetectors, detector_id: str
) -> None:
    plain = detectors.get(detector_id)
    assert detectors.get(detector_id) is plain
    weigh(engine, plain, 2.0, "run-1")
    assert set(detectors.get(detector_id).weights.values()) == {2.0}
    undo(engine, detector_id)
    assert live_sources_of(engine, detector_id) == [detector_id]
    weigh(engine, plain, 3.0, "run-2")  # version 1 again, of another run
    assert live_sources_of(engine, detector_id) == [f"{detector_id}@run-2"]
    assert set(detectors.get(detector_id).weights.values()) == {3.0}
    undo(engine, detector_id)
    assert detectors.get(detector_id).weights == plain.weights


def test_nothing_is_kept_by_weights_that_are_gone(
    engine: Engine, detectors: LoadedDetectors, detector_id: str
) -> None:
    plain = detectors.get(detector_id)
    weigh(engine, plain, 2.0, "run-1")
    with pytest.raises(Conflict, match="weights of detector .* changed meanwhile"):
        kept(engine, plain)
    assert_nothing_is_left(engine)
    kept(engine, detectors.get(detector_id))
    with reading(engine) as session:
        [first, *_] = list_anomalies(session, limit=9, after=None)
    assert first.source == f"{detector_id}@run-1"


def test_nothing_is_kept_of_a_deleted_detector(
    engine: Engine, detectors: LoadedDetectors, detector_id: str
) -> None:
    loaded = detectors.get(detector_id)
    kept(engine, loaded)
    report_drift(engine, loaded, table(), now=datetime.now(UTC))
    delete(engine, detector_id)
    assert_nothing_is_left(engine)
    with pytest.raises(Conflict, match="was deleted meanwhile"):
        kept(engine, loaded)
    with pytest.raises(Conflict, match="was deleted meanwhile"):
        report_drift(engine, loaded, table(), now=datetime.now(UTC))
    with writing(engine) as session, pytest.raises(NotFound):
        undo_reweight(session, loaded)
    assert_nothing_is_left(engine)


def test_who_deletes_waits_for_who_keeps(
    engine: Engine, detectors: LoadedDetectors, detector_id: str
) -> None:
    loaded = detectors.get(detector_id)
    with ThreadPoolExecutor(1) as pool:
        with writing(engine) as session:
            keep_rows(session, loaded, scored(loaded), now=datetime.now(UTC))
            deleting = pool.submit(delete, engine, detector_id)
            with pytest.raises(Late):
                deleting.result(timeout=0.3)
        deleting.result(timeout=20)
    assert_nothing_is_left(engine)


@pytest.mark.parametrize("deleted", [False, True])
def test_a_fit_called_off_while_it_writes_leaves_no_files(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deleted: bool
) -> None:
    asked, write = ask(engine, table()), fit_steps.write_files

    def write_and_call_off(store: Any, folder: str, *rest: Any, **named: Any) -> None:
        write(store, folder, *rest, **named)
        if folder.startswith(DETECTORS):
            if deleted:
                delete(engine, asked.detector_id)
                return
            with writing(engine) as session:
                cancel_run(session, run_id=asked.run_id, now=datetime.now(UTC))

    with monkeypatch.context() as patched:
        patched.setattr(fit_steps, "write_files", write_and_call_off)
        fit(engine, tmp_path, asked)
    assert run_of(engine, asked.run_id).status == "cancelled"
    assert store_at(tmp_path).names(DETECTORS) == []
    fit(engine, tmp_path, ask(engine, table()))  # asked for again, it is there
    assert store_at(tmp_path).names(DETECTORS) != []
