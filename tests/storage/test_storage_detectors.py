"""Detectors in SQL: asked for, fitted, failed, deleted."""

from datetime import datetime

from sqlalchemy import Engine

from pipelines.storage.detectors import (
    add_detector,
    delete_detector,
    detector_of_run,
    get_detector,
    list_detectors,
    read_table,
    set_fitted,
)
from pipelines.storage.engine import reading, writing
from pipelines.storage.runs import add_run, update_run


def add(engine: Engine, name: str, now: datetime, table: bytes | None = b"rows") -> None:
    with writing(engine) as session:
        add_run(session, run_id=f"run-{name}", config="detector", settings={}, now=now)
        add_detector(
            session,
            detector_id=name,
            over="table",
            settings={"seed": 1},
            table=table,
            run_id=f"run-{name}",
            now=now,
        )


def test_a_detector_stands_as_its_run_until_it_is_fitted(engine: Engine, now: datetime) -> None:
    add(engine, "d1", now)
    with writing(engine) as session:
        asked = get_detector(session, detector_id="d1")
        update_run(session, run_id="run-d1", status="failed", error="No row can be used.")
    with reading(engine) as session:
        failed = get_detector(session, detector_id="d1")
    assert asked is not None
    assert failed is not None
    assert (asked.status, asked.settings, asked.created_at) == ("queued", {"seed": 1}, now)
    assert (failed.status, failed.error) == ("failed", "No row can be used.")


def test_a_table_is_kept_until_the_fit_is_done(engine: Engine, now: datetime) -> None:
    add(engine, "d1", now)
    with writing(engine) as session:
        before = read_table(session, detector_id="d1")
        assert set_fitted(session, detector_id="d1", manifest={"rows": 3}, now=now)
        assert not set_fitted(session, detector_id="other", manifest={}, now=now)
    with reading(engine) as session:
        assert (before, read_table(session, detector_id="d1")) == (b"rows", None)
        fitted = detector_of_run(session, run_id="run-d1")
    assert fitted is not None
    assert (fitted.status, fitted.manifest, fitted.fitted_at) == ("ready", {"rows": 3}, now)


def test_asking_again_replaces_what_was_never_fitted(engine: Engine, now: datetime) -> None:
    add(engine, "d1", now)
    with writing(engine) as session:
        add_run(session, run_id="again", config="detector", settings={}, now=now)
        add_detector(
            session,
            detector_id="d1",
            over="table",
            settings={},
            table=b"the same",
            run_id="again",
            now=now,
        )
    with reading(engine) as session:
        assert read_table(session, detector_id="d1") == b"the same"
        assert detector_of_run(session, run_id="run-d1") is None
        assert len(list_detectors(session, limit=9, after=None)) == 1


def test_lists_go_from_new_to_old_in_pages_and_lose_what_is_deleted(
    engine: Engine, now: datetime
) -> None:
    for name in ("d1", "d2", "d3"):
        add(engine, name, now)
    with writing(engine) as session:
        first = list_detectors(session, limit=2, after=None)
        rest = list_detectors(session, limit=2, after="d2")
        assert delete_detector(session, detector_id="d2")
        assert not delete_detector(session, detector_id="d2")
        assert read_table(session, detector_id="d2") is None
    assert [each.detector_id for each in (*first, *rest)] == ["d3", "d2", "d1"]
