"""The whole chain on a real database, and what a run leaves behind."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from pipelines.data.interactions import DataConfig, read_interactions
from pipelines.errors import NotReady
from pipelines.registry.artifact import read_artifact
from pipelines.registry.store import Store
from pipelines.storage.artifacts import active_artifact, list_artifacts
from pipelines.storage.embeddings import iterate_embeddings
from pipelines.storage.engine import reading
from pipelines.storage.runs import get_run, list_runs
from pipelines.training.run_config import RunConfig, named_run, run_config_of
from pipelines.training.train import Progress
from pipelines.workflows import RunResult, is_current, run_training
from tests.worlds import store_world, two_tastes


def config(**fit: object) -> RunConfig:
    values = named_run("denoising").values()
    values["network"].update({"hidden_dims": [16], "latent_dim": 8})
    values["fit"].update({"epochs": 30, "learning_rate": 0.01, "batch_size": 20, **fit})
    return run_config_of(values)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "artifacts"))


def run(engine: Engine, store: Store, run_config: RunConfig) -> RunResult:
    return run_training(engine, store, run_config, on_progress=lambda _: None)


def test_a_run_beats_popularity_and_goes_live_with_its_embeddings(
    engine: Engine, store: Store
) -> None:
    store_world(engine, two_tastes(120))
    result = run(engine, store, config())
    assert result.promoted
    figures, popularity = result.metrics["test"]["ndcg@100"], result.metrics["popularity"]
    assert figures["mean"] > popularity["ndcg@100"]["mean"]
    with reading(engine) as session:
        active = active_artifact(session)
        assert active is not None
        assert active.artifact_id == result.artifact_id
        stored = dict(iterate_embeddings(session, artifact_id=result.artifact_id))
        row = get_run(session, run_id=result.run_id)
    artifact = read_artifact(store, result.artifact_id)
    vectors = artifact.network.item_embeddings().numpy()
    first = np.frombuffer(stored[artifact.vocabulary.item_ids[0]], dtype="<f4")
    assert first.tolist() == vectors[0].tolist()
    assert row is not None
    assert (row.status, row.artifact_id) == ("finished", result.artifact_id)
    assert row.verdict["promote"] is True


def test_the_same_data_and_seed_give_the_same_artifact_and_it_stays_live(
    engine: Engine, store: Store
) -> None:
    store_world(engine, two_tastes(120))
    first, second = run(engine, store, config()), run(engine, store, config())
    assert first.artifact_id == second.artifact_id
    with reading(engine) as session:
        statuses = [row.status for row in list_artifacts(session, limit=10, after=None)]
        assert len(list_runs(session, limit=10, after=None)) == 2
    assert statuses == ["active"]


def test_a_worse_artifact_is_rejected_with_reasons_and_the_better_stays(
    engine: Engine, store: Store
) -> None:
    store_world(engine, two_tastes(120))
    good = run(engine, store, config())
    bad = run(engine, store, config(epochs=1, learning_rate=1e-6))
    assert not bad.promoted
    assert bad.reasons
    with reading(engine) as session:
        active = active_artifact(session)
        assert active is not None
        assert active.artifact_id == good.artifact_id
        statuses = {r.artifact_id: r.status for r in list_artifacts(session, limit=10, after=None)}
    assert statuses[bad.artifact_id] == "rejected"


def test_few_users_are_all_trained_on_and_the_run_says_so(engine: Engine, store: Store) -> None:
    store_world(engine, two_tastes(10))
    result = run(engine, store, config())
    assert result.promoted
    assert "fewer than 50" in result.reasons[0]
    assert result.metrics == {"test": None, "popularity": None}


def test_without_interactions_the_run_fails_with_the_remedy(engine: Engine, store: Store) -> None:
    with pytest.raises(NotReady, match="Import or post"):
        run(engine, store, config())
    with reading(engine) as session:
        rows = list_runs(session, limit=1, after=None)
    assert rows[0].status == "failed"
    assert "Import or post" in (rows[0].error or "")


def test_stopping_a_run_leaves_it_cancelled_and_nothing_published(
    engine: Engine, store: Store
) -> None:
    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    store_world(engine, two_tastes(60))
    with pytest.raises(KeyboardInterrupt):
        run_training(engine, store, config(), on_progress=stop)
    with reading(engine) as session:
        assert list_runs(session, limit=1, after=None)[0].status == "cancelled"
        assert active_artifact(session) is None


def test_is_current_until_the_data_or_the_run_change(engine: Engine, store: Store) -> None:
    store_world(engine, two_tastes(20))
    assert not is_current(engine, config())
    run(engine, store, config())
    assert is_current(engine, config())
    assert not is_current(engine, config(epochs=31))
    store_world(engine, two_tastes(21, seed=1))
    assert not is_current(engine, config())


def test_the_matrix_read_back_is_the_one_stored_whatever_its_order(engine: Engine) -> None:
    matrix = two_tastes(30)
    store_world(engine, matrix)
    with reading(engine) as session:
        read = read_interactions(session, DataConfig())
        heavy = read_interactions(session, DataConfig(above=1.0))
    assert read.user_ids == matrix.user_ids
    assert read.vocabulary == matrix.vocabulary
    assert (read.x != matrix.x).nnz == 0
    assert read.digest() == matrix.digest()
    assert heavy.x.nnz == 0
