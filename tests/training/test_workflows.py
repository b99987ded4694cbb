"""The whole chain on a real database, and what a run leaves behind."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from pipelines.data.interactions import DataConfig, read_interactions
from pipelines.errors import NotReady
from pipelines.registry.artifact import read_artifact
from pipelines.registry.registry import promote_by_id
from pipelines.runs import steps
from pipelines.runs.requests import request_run
from pipelines.runs.steps import STEPS
from pipelines.storage.artifacts import active_artifact, list_artifacts
from pipelines.storage.embeddings import iterate_embeddings
from pipelines.storage.engine import reading, writing
from pipelines.storage.runs import get_run, list_runs
from pipelines.training.gate import Verdict, judge
from pipelines.training.progress import Progress
from pipelines.training.run_config import RunConfig, named_run, run_config_of
from pipelines.workflows import carry_out, is_current
from tests.running import run, store_at
from tests.worlds import store_world, two_tastes


def config(**fit: object) -> RunConfig:
    values = named_run("denoising").values()
    values["network"].update({"hidden_dims": [16], "latent_dim": 8})
    values["fit"].update({"epochs": 30, "learning_rate": 0.01, "batch_size": 20, **fit})
    return run_config_of(values)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def files_in(home: Path) -> list[Path]:
    """What runs leave beside the artifacts and the database."""
    folders = (home / "snapshots", home / "checkpoints")
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_a_run_beats_popularity_and_goes_live_with_its_embeddings(
    engine: Engine, home: Path
) -> None:
    store_world(engine, two_tastes(120))
    result = run(engine, home, config())
    assert result.promoted
    figures, popularity = result.metrics["test"]["ndcg@100"], result.metrics["popularity"]
    assert figures["mean"] > popularity["ndcg@100"]["mean"]
    with reading(engine) as session:
        active = active_artifact(session)
        assert active is not None
        assert active.artifact_id == result.artifact_id
        stored = {
            each.item_id: each
            for each in iterate_embeddings(session, artifact_id=result.artifact_id)
        }
        row = get_run(session, run_id=result.run_id)
    artifact = read_artifact(store_at(home), result.artifact_id)
    vectors = artifact.network.item_embeddings().numpy()
    first = stored[artifact.vocabulary.item_ids[0]]
    assert np.frombuffer(first.vector, dtype="<f4").tolist() == vectors[0].tolist()
    assert first.bias == float(artifact.network.item_biases()[0])
    assert row is not None
    assert (row.status, row.artifact_id) == ("finished", result.artifact_id)
    assert row.verdict["promote"] is True
    assert files_in(home) == []


def test_the_same_data_and_seed_give_the_same_artifact_and_it_stays_live(
    engine: Engine, home: Path
) -> None:
    store_world(engine, two_tastes(120))
    first, second = run(engine, home, config()), run(engine, home, config())
    assert first.artifact_id == second.artifact_id
    with reading(engine) as session:
        statuses = [row.status for row in list_artifacts(session, limit=10, after=None)]
        assert len(list_runs(session, limit=10, after=None)) == 2
    assert statuses == ["active"]


def test_a_worse_artifact_is_rejected_with_reasons_and_the_better_stays(
    engine: Engine, home: Path
) -> None:
    store_world(engine, two_tastes(120))
    good = run(engine, home, config())
    bad = run(engine, home, config(epochs=1, learning_rate=1e-6))
    assert not bad.promoted
    assert bad.reasons
    with reading(engine) as session:
        active = active_artifact(session)
        assert active is not None
        assert active.artifact_id == good.artifact_id
        statuses = {r.artifact_id: r.status for r in list_artifacts(session, limit=10, after=None)}
    assert statuses[bad.artifact_id] == "rejected"


def test_few_users_are_all_trained_on_and_the_run_says_so(engine: Engine, home: Path) -> None:
    store_world(engine, two_tastes(10))
    result = run(engine, home, config())
    assert result.promoted
    assert "fewer than 50" in result.reasons[0]
    assert result.metrics == {"test": None, "popularity": None}


def test_without_interactions_the_run_fails_with_the_remedy(engine: Engine, home: Path) -> None:
    with pytest.raises(NotReady, match="Import or post"):
        run(engine, home, config())
    with reading(engine) as session:
        rows = list_runs(session, limit=1, after=None)
    assert rows[0].status == "failed"
    assert "Import or post" in (rows[0].error or "")


def test_stopping_a_run_leaves_it_cancelled_and_nothing_published(
    engine: Engine, home: Path
) -> None:
    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    store_world(engine, two_tastes(60))
    with pytest.raises(KeyboardInterrupt):
        run(engine, home, config(), stop)
    with reading(engine) as session:
        assert list_runs(session, limit=1, after=None)[0].status == "cancelled"
        assert active_artifact(session) is None
    assert files_in(home) == []


def test_is_current_until_the_data_or_the_run_change(engine: Engine, home: Path) -> None:
    store_world(engine, two_tastes(20))
    assert not is_current(engine, config())
    run(engine, home, config())
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


def test_a_step_of_a_run_that_is_over_changes_nothing(engine: Engine, home: Path) -> None:
    store_world(engine, two_tastes(20))
    result = run(engine, home, config(epochs=2))
    with reading(engine) as session:
        before = vars(get_run(session, run_id=result.run_id)).copy()
    for step, _ in STEPS:
        assert not carry_out(engine, store_at(home), home, step=step, run_id=result.run_id)
    with reading(engine) as session:
        after = vars(get_run(session, run_id=result.run_id))
    assert {name: value for name, value in before.items() if name[0] != "_"} == {
        name: value for name, value in after.items() if name[0] != "_"
    }


def test_a_run_whose_snapshot_is_elsewhere_fails_with_the_remedy(
    engine: Engine, home: Path
) -> None:
    with writing(engine) as session:
        run_id = request_run(session, config(), now=datetime.now(UTC)).run_id
    assert not carry_out(engine, store_at(home), home, step="fit", run_id=run_id)
    with reading(engine) as session:
        row = get_run(session, run_id=run_id)
    assert row is not None
    assert row.status == "failed"
    assert "HOURGLASS_HOME" in (row.error or "")


def test_the_gate_judges_again_when_another_artifact_went_live_meanwhile(
    engine: Engine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_world(engine, two_tastes(120))
    weak = [run(engine, home, config(epochs=n, learning_rate=1e-6)).artifact_id for n in (1, 2)]
    for artifact_id in weak:
        promote_by_id(engine, store_at(home), artifact_id)
    n_judged = 0

    def promoting(*evaluations: Any) -> Verdict:
        nonlocal n_judged
        n_judged += 1
        if n_judged == 1:
            promote_by_id(engine, store_at(home), weak[0])
        return judge(*evaluations)

    monkeypatch.setattr(steps, "judge", promoting)
    result = run(engine, home, config())
    assert n_judged == 2
    assert result.promoted
