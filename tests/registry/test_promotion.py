"""Promotion and rollback by hand: one wins, embeddings in step, nothing damaged goes live."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.errors import Conflict, DamagedArtifact, NotFound
from pipelines.registry import registry
from pipelines.registry.registry import promote_by_id, roll_back
from pipelines.storage.artifacts import active_artifact_id, get_artifact
from pipelines.storage.embeddings import iterate_embeddings
from pipelines.storage.engine import reading
from pipelines.workflows import run_training
from tests.running import store_at
from tests.runs.processes import small_run
from tests.worlds import N_ITEMS, store_world, two_tastes


@pytest.fixture
def trained(engine: Engine, tmp_path: Path) -> list[str]:
    """Three artifacts on few users, so that each went live when it was trained."""
    store_world(engine, two_tastes(20))
    store = store_at(tmp_path)
    return [
        run_training(
            engine,
            store,
            small_run(seed=seed, epochs=2),
            home=tmp_path,
            on_progress=lambda _: None,
        ).artifact_id
        for seed in (1, 2, 3)
    ]


def active(engine: Engine) -> str | None:
    with reading(engine) as session:
        return active_artifact_id(session)


def n_embeddings(engine: Engine, artifact_id: str) -> int:
    with reading(engine) as session:
        return len(list(iterate_embeddings(session, artifact_id=artifact_id)))


def status_of(engine: Engine, artifact_id: str) -> str:
    with reading(engine) as session:
        row = get_artifact(session, artifact_id=artifact_id)
    assert row is not None
    return row.status


def test_rolling_back_leads_further_back_each_time_with_the_embeddings(
    engine: Engine, tmp_path: Path, trained: list[str]
) -> None:
    first, second, third = trained
    store = store_at(tmp_path)
    assert active(engine) == third
    for now, left in ((second, third), (first, second)):
        assert roll_back(engine, store) == now
        assert active(engine) == now
        assert status_of(engine, left) == "rejected"
        assert (n_embeddings(engine, now), n_embeddings(engine, left)) == (N_ITEMS, 0)
    with pytest.raises(Conflict, match="promote one by its id"):
        roll_back(engine, store)
    promote_by_id(engine, store, third)
    assert active(engine) == third
    assert roll_back(engine, store) == first


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(
    engine: Engine, tmp_path: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    together, told = threading.Barrier(2), []
    read = registry.read_artifact

    def read_together(store: object, artifact_id: str) -> object:
        artifact = read(store, artifact_id)  # type: ignore[arg-type]
        together.wait()
        return artifact

    def promote(artifact_id: str) -> None:
        try:
            promote_by_id(engine, store_at(tmp_path), artifact_id)
        except Conflict as error:
            told.append(error.detail)

    monkeypatch.setattr(registry, "read_artifact", read_together)
    threads = [threading.Thread(target=promote, args=(name,)) for name in trained[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = active(engine)
    assert winner in trained[:2]
    assert len(told) == 1
    assert f"{winner} is active now" in told[0]


def test_a_damaged_artifact_is_refused_and_the_live_one_stays(
    engine: Engine, tmp_path: Path, trained: list[str]
) -> None:
    weights = tmp_path / "artifacts" / trained[1] / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    for act in (
        lambda: promote_by_id(engine, store_at(tmp_path), trained[1]),
        lambda: roll_back(engine, store_at(tmp_path)),
    ):
        with pytest.raises(DamagedArtifact, match="differs from its checksum"):
            act()
    assert active(engine) == trained[2]
    assert n_embeddings(engine, trained[2]) == N_ITEMS


def test_what_is_not_there_cannot_be_promoted(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="artifacts list"):
        promote_by_id(engine, store_at(tmp_path), "nothing")
    with pytest.raises(Conflict):
        roll_back(engine, store_at(tmp_path))
