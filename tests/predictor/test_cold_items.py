"""Items that nobody had in training, in answers by their content."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from pipelines.content import cold
from pipelines.predictor.active import ActivePredictor, cold_catalogue, single_predictor
from pipelines.predictor.popularity import Popularity
from pipelines.predictor.predictor import Predictor
from pipelines.predictor.recommend import Recommendations, recommend_for_history
from pipelines.registry.artifact import Artifact, read_artifact
from pipelines.registry.export_rows import export_recommendations
from pipelines.registry.store import Store
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.items import NewItem, delete_item, put_items, update_item
from pipelines.storage.tables import UNTIMED
from pipelines.training.run_config import named_run
from pipelines.workflows import run_training
from tests.worlds import describe_tastes, store_world, two_tastes

NEW = ("new-100", "new-101", "new-102", "new-103")
EVEN = ["item-000", "item-002", "item-004", "item-006"]


@pytest.fixture
def engine(sqlite_engine: Engine) -> Engine:
    """SQLite alone: what is particular to the databases is in `tests/storage`."""
    return sqlite_engine


@pytest.fixture
def train(engine: Engine, tmp_path: Path) -> Callable[[], Artifact]:
    store = Store(str(tmp_path / "artifacts"))

    def run() -> Artifact:
        config = named_run("ease")
        result = run_training(engine, store, config, home=tmp_path, on_progress=lambda _: None)
        return read_artifact(store, result.artifact_id)

    return run


@pytest.fixture
def artifact(engine: Engine, train: Callable[[], Artifact]) -> Artifact:
    """Of items with content; the new ones come after it."""
    store_world(engine, two_tastes(120))
    describe_tastes(engine)
    artifact = train()
    describe_tastes(engine, also=NEW)
    return artifact


def ask(engine: Engine, artifact: Artifact, n: int = 100, **options) -> Recommendations:
    with reading(engine) as session:
        predictor = single_predictor(session, artifact)
        return recommend_for_history(session, predictor, Popularity(), history=EVEN, n=n, **options)


def cold_ids(answer: Recommendations) -> list[str]:
    return [row.item_id for row in answer.recommendations if row.cold]


def test_new_items_of_the_taste_stand_before_those_of_the_other(
    engine: Engine, artifact: Artifact
) -> None:
    answer = ask(engine, artifact)
    ids = [row.item_id for row in answer.recommendations]
    assert sorted(cold_ids(answer)) == sorted(NEW)
    assert {*cold_ids(answer)[:2]} == {"new-100", "new-102"}
    assert max(ids.index("new-100"), ids.index("new-102")) < ids.index("item-001")
    scores = [row.score for row in answer.recommendations]
    assert scores == sorted(scores, reverse=True)


def test_new_items_neither_flood_nor_vanish(engine: Engine, artifact: Artifact) -> None:
    answer = ask(engine, artifact, n=18)  # as many as there are unseen items of the taste
    assert 1 <= len(cold_ids(answer)) <= 2


def test_a_list_may_be_of_warm_or_of_cold_items_alone(engine: Engine, artifact: Artifact) -> None:
    assert cold_ids(ask(engine, artifact, items="warm")) == []
    only_cold = ask(engine, artifact, items="cold")
    assert cold_ids(only_cold) == [row.item_id for row in only_cold.recommendations]
    assert len(only_cold.recommendations) == len(NEW)


def test_excluded_hidden_and_deleted_new_items_never_come(
    engine: Engine, artifact: Artifact, now: datetime
) -> None:
    with writing(engine) as session:
        update_item(session, item_id="new-101", changes={"hidden": True}, now=now)
        delete_item(session, item_id="new-103")
    assert cold_ids(ask(engine, artifact, exclude_ids=["new-100"])) == ["new-102"]


def test_items_whose_content_says_nothing_are_not_scored(
    engine: Engine, artifact: Artifact, now: datetime
) -> None:
    with writing(engine) as session:
        put_items(session, items=[NewItem("blank"), NewItem("odd one", "Überraschung")], now=now)
    assert sorted(cold_ids(ask(engine, artifact))) == sorted(NEW)


def test_without_content_there_is_no_tower_and_nothing_changes(
    engine: Engine, train: Callable[[], Artifact]
) -> None:
    store_world(engine, two_tastes(120))
    artifact = train()
    describe_tastes(engine, also=NEW)
    assert artifact.tower is None
    assert cold_ids(ask(engine, artifact)) == []
    assert ask(engine, artifact, items="cold").recommendations == ()


def test_an_item_with_a_column_that_nobody_in_training_had_is_cold(
    engine: Engine, train: Callable[[], Artifact]
) -> None:
    store_world(engine, two_tastes(30))  # too few to hold any out: every item has a column
    describe_tastes(engine, also=NEW)
    artifact = train()
    assert artifact.vocabulary.num("new-100") is not None
    answer = ask(engine, artifact)
    ids = [row.item_id for row in answer.recommendations]
    assert sorted(cold_ids(answer)) == sorted(NEW)
    assert len(ids) == len(set(ids))
    assert cold_ids(ask(engine, artifact, exclude_ids=NEW[:3])) == ["new-103"]


def test_equal_runs_fit_equal_towers(engine: Engine, train: Callable[[], Artifact]) -> None:
    store_world(engine, two_tastes(120))
    describe_tastes(engine)
    first, second = train(), train()
    assert first.artifact_id == second.artifact_id
    assert first.tower is not None
    assert second.tower is not None
    np.testing.assert_array_equal(first.tower.tower.inverse, second.tower.tower.inverse)


def test_exported_recommendations_are_those_of_the_api(
    engine: Engine, artifact: Artifact, tmp_path: Path
) -> None:
    rows = [NewInteraction("new", item_id, "like", 1.0, UNTIMED) for item_id in EVEN]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=datetime.now(UTC))
    store = Store(str(tmp_path / "artifacts"))
    to = tmp_path / "all.jsonl"
    export_recommendations(engine, store, to, n=18, on_rows=lambda _: None)
    rows_of_all = map(json.loads, to.read_text().splitlines())
    exported = {r["item_id"]: r["score"] for r in rows_of_all if r["user_id"] == "new"}
    answered = {r.item_id: r.score for r in ask(engine, artifact, n=18).recommendations}
    assert exported == pytest.approx(answered, abs=1e-6)


def test_the_catalogue_sees_items_come_change_and_lose_their_content(
    engine: Engine, artifact: Artifact
) -> None:
    catalogue = cold_catalogue(Predictor(artifact))
    assert catalogue is not None

    def look() -> cold.ColdItems:
        with reading(engine) as session:
            return catalogue.refresh(session)

    assert sorted(look().item_ids) == sorted(NEW)
    assert look() is look()
    later = datetime.now(UTC) + timedelta(seconds=1)
    with writing(engine) as session:
        put_items(session, items=[NewItem("late", None, ["even"])], now=later)
        update_item(session, item_id="new-101", changes={"categories": ["even"]}, now=later)
        nothing = {"categories": [], "tags": [], "title": None}
        update_item(session, item_id="new-100", changes=nothing, now=later)
    assert sorted(look().item_ids) == ["late", "new-101", "new-102", "new-103"]


def test_of_too_many_the_newest_are_scored(
    engine: Engine, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cold, "MAX_COLD", 2)
    assert set(cold_ids(ask(engine, artifact))) == {"new-102", "new-103"}


def test_a_server_takes_new_items_without_a_restart(
    engine: Engine, artifact: Artifact, tmp_path: Path
) -> None:
    active = ActivePredictor(engine, str(tmp_path / "artifacts"))
    active.refresh()
    later = datetime.now(UTC) + timedelta(seconds=1)
    with writing(engine) as session:
        put_items(session, items=[NewItem("late", None, ["even"])], now=later)
    active.refresh()
    with reading(engine) as session:
        answer = recommend_for_history(session, active.get(), Popularity(), history=EVEN, n=100)
    assert "late" in cold_ids(answer)
    assert active.status() == (True, artifact.artifact_id)
