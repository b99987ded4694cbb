"""Runs, artifacts, embeddings and imports."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.storage.artifacts import (
    active_artifact,
    add_artifact,
    get_artifact,
    list_artifacts,
    promote_artifact,
    set_status,
)
from pipelines.storage.embeddings import (
    ItemEmbedding,
    get_embedding,
    iterate_embeddings,
    put_embeddings,
)
from pipelines.storage.engine import reading, writing
from pipelines.storage.imports import add_import, find_import
from pipelines.storage.items import NewItem, put_items
from pipelines.storage.runs import add_run, get_run, list_runs, update_run


def add(session: Session, artifact_id: str, now: datetime) -> bool:
    return add_artifact(
        session,
        artifact_id=artifact_id,
        kind="denoising",
        config="denoising",
        manifest={"n_items": 5, "name": "😀"},
        run_id="r1",
        now=now,
    )


def statuses(engine: Engine) -> dict[str, str]:
    with reading(engine) as session:
        artifacts = list_artifacts(session, limit=100, after=None)
    return {artifact.artifact_id: artifact.status for artifact in artifacts}


def test_run_is_queued_and_then_updated(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        added = add_run(session, run_id="r1", config="denoising", settings={"seed": 1}, now=now)
        assert (added.status, added.progress, added.started_at) == ("queued", None, None)
    later = now + timedelta(seconds=1)
    with writing(engine) as session:
        progress = {"epoch": 3, "loss": 0.1}
        run = update_run(
            session, run_id="r1", status="running", progress=progress, started_at=later
        )
        assert run is not None
        assert update_run(session, run_id="r9", status="failed") is None
    with reading(engine) as session:
        run = get_run(session, run_id="r1")
        assert get_run(session, run_id="r9") is None
    assert run is not None
    assert (run.status, run.progress, run.settings) == ("running", progress, {"seed": 1})
    assert (run.created_at, run.started_at, run.finished_at) == (now, later, None)


def test_run_with_an_unknown_status_is_refused(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        add_run(session, run_id="r1", config="denoising", settings={}, now=now)

    def set_unknown() -> None:
        with writing(engine) as session:
            update_run(session, run_id="r1", status="sleeping")

    with pytest.raises(IntegrityError):
        set_unknown()


def test_runs_are_paged_newest_first(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        for run_id in ("b", "a", "c"):
            add_run(session, run_id=run_id, config="denoising", settings={}, now=now)
        assert [run.run_id for run in list_runs(session, limit=2, after=None)] == ["c", "a"]
        assert [run.run_id for run in list_runs(session, limit=2, after="a")] == ["b"]
        assert list_runs(session, limit=2, after="unknown") == []


def test_artifact_starts_as_a_candidate(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        assert add(session, "a1", now)
        assert not add(session, "a1", now)
        artifact = get_artifact(session, artifact_id="a1")
        assert get_artifact(session, artifact_id="a9") is None
        assert active_artifact(session) is None
    assert artifact is not None
    assert (artifact.status, artifact.promoted_at, artifact.run_id) == ("candidate", None, "r1")
    assert artifact.manifest == {"n_items": 5, "name": "😀"}


def test_artifacts_are_paged_newest_first(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        for artifact_id in ("b", "a", "c"):
            add(session, artifact_id, now)
        first = list_artifacts(session, limit=2, after=None)
        second = list_artifacts(session, limit=2, after="a")
    assert [artifact.artifact_id for artifact in first + second] == ["c", "a", "b"]


def test_status_is_set_where_there_is_an_artifact(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        add(session, "a1", now)
        assert set_status(session, artifact_id="a1", status="rejected")
        assert not set_status(session, artifact_id="a9", status="rejected")
    assert statuses(engine) == {"a1": "rejected"}


def test_two_active_artifacts_are_impossible(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        add(session, "a1", now)
        add(session, "a2", now)
        promote_artifact(session, artifact_id="a1", now=now)

    def activate_second() -> None:
        with writing(engine) as session:
            set_status(session, artifact_id="a2", status="active")

    with pytest.raises(IntegrityError):
        activate_second()
    assert statuses(engine) == {"a1": "active", "a2": "candidate"}


def test_promotion_retires_the_active_artifact_and_its_embeddings(
    engine: Engine, now: datetime
) -> None:
    later = now + timedelta(hours=1)
    with writing(engine) as session:
        put_items(session, items=[NewItem("i1")], now=now)
        for artifact_id, moment in (("a1", now), ("a2", later)):
            add(session, artifact_id, now)
            put_embeddings(session, artifact_id=artifact_id, embeddings=[at("i1", b"1234")])
            assert promote_artifact(session, artifact_id=artifact_id, now=moment)
    assert statuses(engine) == {"a1": "retired", "a2": "active"}
    with reading(engine) as session:
        active = active_artifact(session)
        assert get_embedding(session, artifact_id="a1", item_id="i1") is None
        assert get_embedding(session, artifact_id="a2", item_id="i1") == at("i1", b"1234")
    assert active is not None
    assert (active.artifact_id, active.promoted_at) == ("a2", later)


def test_retired_artifact_can_be_promoted_again(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        for artifact_id in ("a1", "a2"):
            add(session, artifact_id, now)
            promote_artifact(session, artifact_id=artifact_id, now=now)
        promote_artifact(session, artifact_id="a1", now=now)
    assert statuses(engine) == {"a1": "active", "a2": "retired"}


def test_promoting_the_active_artifact_changes_nothing(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        add(session, "a1", now)
        promote_artifact(session, artifact_id="a1", now=now)
        assert promote_artifact(session, artifact_id="a1", now=now + timedelta(days=1))
        active = active_artifact(session)
    assert active is not None
    assert active.promoted_at == now


def test_promoting_an_unknown_artifact_changes_nothing(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        add(session, "a1", now)
        promote_artifact(session, artifact_id="a1", now=now)
        assert not promote_artifact(session, artifact_id="a9", now=now)
    assert statuses(engine) == {"a1": "active"}


def test_promotions_at_the_same_time_take_turns(engine: Engine, now: datetime) -> None:
    ids = [f"a{number}" for number in range(6)]
    with writing(engine) as session:
        for artifact_id in ids:
            add(session, artifact_id, now)

    def promote(artifact_id: str) -> bool:
        with writing(engine) as session:
            return promote_artifact(session, artifact_id=artifact_id, now=now)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(promote, ids))
    assert sorted(statuses(engine).values()) == ["active"] + ["retired"] * 5


def at(item_id: str, vector: bytes) -> ItemEmbedding:
    return ItemEmbedding(item_id, vector, bias=0.25)


@pytest.fixture
def with_items(engine: Engine, now: datetime) -> Engine:
    with writing(engine) as session:
        put_items(session, items=[NewItem(f"i{number}") for number in range(5000)], now=now)
        add(session, "a1", now)
        add(session, "a2", now)
    return engine


def test_embeddings_are_kept_apart_and_read_in_order(with_items: Engine) -> None:
    embeddings = [at(f"i{number}", number.to_bytes(8, "little")) for number in range(5000)]
    with writing(with_items) as session:
        stored = put_embeddings(session, artifact_id="a1", embeddings=iter(embeddings))
        put_embeddings(session, artifact_id="a2", embeddings=[at("i7", b"other")])
    assert stored == 5000
    with reading(with_items) as session:
        assert list(iterate_embeddings(session, artifact_id="a1")) == sorted(embeddings)
        assert list(iterate_embeddings(session, artifact_id="a2")) == [at("i7", b"other")]
        assert list(iterate_embeddings(session, artifact_id="a9")) == []


def test_embeddings_of_the_same_item_are_overwritten(with_items: Engine) -> None:
    with writing(with_items) as session:
        before, kept, after = at("i1", b"old"), at("i2", b"kept"), ItemEmbedding("i1", b"new", None)
        put_embeddings(session, artifact_id="a1", embeddings=[before, kept])
        put_embeddings(session, artifact_id="a1", embeddings=[after])
        assert list(iterate_embeddings(session, artifact_id="a1")) == [after, kept]


def test_embeddings_of_unknown_items_and_artifacts_are_left_out(with_items: Engine) -> None:
    embeddings = [at("i1", b"1"), at("gone", b"2")]
    with writing(with_items) as session:
        assert put_embeddings(session, artifact_id="a1", embeddings=embeddings) == 1
        assert put_embeddings(session, artifact_id="a9", embeddings=embeddings) == 0
        assert put_embeddings(session, artifact_id="a1", embeddings=[]) == 0
        assert get_embedding(session, artifact_id="a1", item_id="gone") is None


def test_import_is_found_by_its_digest(engine: Engine, now: datetime) -> None:
    digest = "ab" * 32

    def note(session: Session, source: str) -> bool:
        return add_import(
            session, source=source, digest=digest, new=3, repeated=2, replaced=1, bad=4, now=now
        )

    with writing(engine) as session:
        assert find_import(session, digest=digest) is None
        assert note(session, "ratings.csv")
        assert not note(session, "copy.csv")
        found = find_import(session, digest=digest)
    assert found is not None
    assert (found.source, found.imported_at) == ("ratings.csv", now)
    assert (found.new, found.repeated, found.replaced, found.bad) == (3, 2, 1, 4)


@pytest.mark.parametrize("find", [get_run, get_artifact], ids=lambda find: find.__name__)
def test_nothing_is_found_in_an_empty_database(
    engine: Engine, find: Callable[..., object | None]
) -> None:
    name = find.__name__.removeprefix("get_") + "_id"
    with reading(engine) as session:
        assert find(session, **{name: "x"}) is None
