"""Detectors fitted by the worker: asked for, killed, cancelled, deleted, failed."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.errors import Conflict, DamagedArtifact, NotFound, NotReady
from pipelines.registry.store import Store
from pipelines.runs.chains import CHAINS
from pipelines.runs.folders import runs_with_files
from pipelines.runs.reporting import RunCancelled
from pipelines.runs.requests import cancel_run
from pipelines.storage.detectors import get_detector, list_detectors, read_table
from pipelines.storage.engine import reading, writing
from pipelines.watch.asking import (
    Asked,
    checked_table,
    delete_detector,
    remove_detector_files,
    request_detector,
)
from pipelines.watch.detector_files import folder_of
from pipelines.watch.fitting import fit_table
from pipelines.watch.loading import LoadedDetector, LoadedDetectors, load_detector
from pipelines.watch.row_table import RowTable
from pipelines.watch.scoring import Rule, score_rows
from pipelines.watch.settings import DETECTORS, DetectorSettings, settings_of
from pipelines.watch.table_files import table_of_rows
from pipelines.workflows import carry_out
from tests.running import store_at
from tests.runs.processes import run_of, working
from tests.runs.test_kill import blocked
from tests.watch.test_detector_scores import numbers, rows_of

SETTINGS = settings_of({"name": "people", "seed": 3, "form": "fast", "regime": "clean"})


def table(n: int = 60) -> RowTable:
    return table_of_rows(rows_of(numbers(n)))


def ask(engine: Engine, rows: RowTable, settings: DetectorSettings = SETTINGS) -> Asked:
    packed = checked_table(rows, settings)
    with writing(engine) as session:
        return request_detector(session, settings, packed, now=datetime.now(UTC))


def fit(engine: Engine, home: Path, asked: Asked) -> None:
    """Carry out the run here, as a worker would."""
    for name, _ in CHAINS[DETECTORS].steps:
        carry_out(engine, store_at(home), home, step=name, run_id=asked.run_id)


def written_last(home: Path, asked: Asked) -> list[tuple[Path, str]]:
    """What each step of a fit writes last, and the phase that the run tells then."""
    stored = home / "artifacts" / "detectors" / asked.detector_id
    return [
        (home / "snapshots" / asked.run_id / "table.run.partial", "reading"),
        (
            home / "checkpoints" / asked.run_id / "detector" / "values.json.run.partial",
            "fitting: calibrating",
        ),
        (stored / f"manifest.json.{asked.run_id}.partial", "writing"),
    ]


def undisturbed() -> LoadedDetector:
    fitted = fit_table(table(), SETTINGS)
    return LoadedDetector(None, SETTINGS, fitted.facts, fitted.detector)


def is_in(engine: Engine, run_id: str, phase: str) -> bool:
    return run_of(engine, run_id).phase == phase


def scores(engine: Engine, home: Path, detector_id: str) -> list[float]:
    loaded = load_detector(engine, store_at(home), detector_id)
    return [row.anomaly_score for row in score_rows(loaded, table(), Rule()).rows]


def test_a_detector_is_fitted_by_its_run_and_asked_for_once(engine: Engine, tmp_path: Path) -> None:
    asked = ask(engine, table())
    assert asked == replace(ask(engine, table()), new=True)
    with pytest.raises(NotReady, match="is queued"):
        load_detector(engine, store_at(tmp_path), asked.detector_id)
    fit(engine, tmp_path, asked)
    run = run_of(engine, asked.run_id)
    assert (run.status, run.error) == ("finished", None)
    assert run.metrics is not None
    assert (run.metrics["n_train"], run.metrics["n_calibration"]) == (48, 12)
    with reading(engine) as session:
        assert read_table(session, detector_id=asked.detector_id) is None
    again = ask(engine, table())
    assert (again.detector_id, again.status, again.new) == (asked.detector_id, "ready", False)
    other = ask(engine, table(), replace(SETTINGS, seed=4))
    assert other.detector_id != asked.detector_id
    expected = score_rows(undisturbed(), table(), Rule())
    assert scores(engine, tmp_path, asked.detector_id) == [
        row.anomaly_score for row in expected.rows
    ]


@pytest.mark.slow
def test_a_fit_killed_in_every_step_ends_as_an_undisturbed_one(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    asked = ask(engine, table())
    run_id, detector_id = asked.run_id, asked.detector_id
    for path, phase in written_last(home, asked):
        with blocked(path), working(home, database_url, log) as worker:
            worker.until(partial(is_in, engine, run_id, phase))
            worker.kill()
        with pytest.raises(NotReady, match="is running"):
            load_detector(engine, store_at(home), detector_id)
    with working(home, database_url, log) as worker:
        worker.until(lambda: run_of(engine, run_id).status == "finished")
        worker.until(lambda: not runs_with_files(home))
    expected = [row.anomaly_score for row in score_rows(undisturbed(), table(), Rule()).rows]
    assert scores(engine, home, detector_id) == expected
    assert list(home.rglob("*.partial")) == []


def test_a_fit_tells_how_far_it_is_and_stops_when_cancelled() -> None:
    told = []

    def cancel_late(what: str, done: int, total: int) -> None:
        told.append(what)
        if done == 3:
            raise RunCancelled("enough")

    with pytest.raises(RunCancelled):
        fit_table(table(), SETTINGS, on_step=cancel_late)
    assert told == ["networks"] * 5  # before the first epoch twice


def test_a_cancelled_fit_leaves_no_detector_and_can_be_asked_for_again(
    engine: Engine, tmp_path: Path
) -> None:
    asked = ask(engine, table())
    with writing(engine) as session:
        cancel_run(session, run_id=asked.run_id, now=datetime.now(UTC))
    fit(engine, tmp_path, asked)
    with pytest.raises(Conflict, match="its run is cancelled"):
        load_detector(engine, store_at(tmp_path), asked.detector_id)
    again = ask(engine, table())
    assert (again.detector_id, again.new) == (asked.detector_id, True)
    fit(engine, tmp_path, again)
    assert len(scores(engine, tmp_path, asked.detector_id)) == 60


def test_a_deleted_detector_is_gone_with_its_run_and_files(engine: Engine, tmp_path: Path) -> None:
    store = store_at(tmp_path)
    fitted, waiting = ask(engine, table()), ask(engine, table(61))
    fit(engine, tmp_path, fitted)
    loaded = LoadedDetectors(engine, str(tmp_path / "artifacts"))
    loaded.get(fitted.detector_id)
    for asked in (fitted, waiting):
        with writing(engine) as session:
            delete_detector(session, detector_id=asked.detector_id, now=datetime.now(UTC))
        remove_detector_files(store, asked.detector_id)
    assert run_of(engine, waiting.run_id).status == "cancelled"
    fit(engine, tmp_path, waiting)
    assert store.names(DETECTORS) == []
    with pytest.raises(NotFound):
        loaded.get(fitted.detector_id)
    with reading(engine) as session:
        assert list_detectors(session, limit=9, after=None) == []


def test_a_fit_that_fails_says_why(engine: Engine, tmp_path: Path) -> None:
    asked = ask(engine, table())
    carry_out(engine, store_at(tmp_path), tmp_path, step="table", run_id=asked.run_id)
    Store(str(tmp_path)).remove(f"snapshots/{asked.run_id}")
    carry_out(engine, store_at(tmp_path), tmp_path, step="fit", run_id=asked.run_id)
    with reading(engine) as session:
        detector = get_detector(session, detector_id=asked.detector_id)
    assert detector is not None
    assert detector.status == "failed"
    assert "workers of one database need the same home" in str(detector.error)


def test_a_changed_byte_of_a_detector_is_refused(engine: Engine, tmp_path: Path) -> None:
    asked = ask(engine, table())
    fit(engine, tmp_path, asked)
    path = f"{folder_of(asked.detector_id)}/tensors.safetensors"
    content = bytearray(store_at(tmp_path).read(path))
    content[-1] ^= 1
    store_at(tmp_path).write(path, bytes(content))
    with pytest.raises(DamagedArtifact, match="differs from its checksum"):
        load_detector(engine, store_at(tmp_path), asked.detector_id)
