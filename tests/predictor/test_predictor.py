"""Answers from a trained artifact on a real database."""

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from pipelines.errors import NotFound, NotReady
from pipelines.predictor.active import ActivePredictor
from pipelines.predictor.baseline import Baseline
from pipelines.predictor.embed import embed_item, embed_user, similar_items
from pipelines.predictor.popularity import Popularity
from pipelines.predictor.predictor import Predictor, Which
from pipelines.predictor.recommend import recommend_for_history, recommend_for_user
from pipelines.predictor.reconstruct import reconstruct_history, reconstruct_user
from pipelines.predictor.score import score_user
from pipelines.registry.artifact import read_artifact
from pipelines.registry.registry import promote_by_id
from pipelines.registry.store import Store
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.items import delete_item, update_item
from pipelines.storage.tables import UNTIMED
from pipelines.storage.users import put_user
from pipelines.training.run_config import named_run, run_config_of
from pipelines.workflows import run_training
from tests.worlds import store_world, two_tastes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVEN = ["item-000", "item-002", "item-004", "item-006"]


@pytest.fixture
def predictor(engine: Engine, tmp_path: Path) -> Predictor:
    store_world(engine, two_tastes(120))
    values = named_run("denoising").values()
    values["network"].update({"hidden_dims": [16], "latent_dim": 8})
    values["fit"].update({"epochs": 40, "learning_rate": 0.01, "batch_size": 20})
    store = Store(str(tmp_path / "artifacts"))
    config = run_config_of(values)
    result = run_training(engine, store, config, home=tmp_path, on_progress=lambda _: None)
    return Predictor(read_artifact(store, result.artifact_id))


@pytest.fixture
def popularity() -> Popularity:
    return Popularity(max_age=0)


def is_even(item_id: str) -> bool:
    return int(item_id[-3:]) % 2 == 0


def test_a_posted_history_gets_items_of_its_taste_and_none_of_its_own(
    engine: Engine, predictor: Predictor, popularity: Popularity
) -> None:
    with reading(engine) as session:
        answer = recommend_for_history(session, predictor, popularity, history=EVEN, n=8)
    item_ids = [row.item_id for row in answer.recommendations]
    scores = [row.score for row in answer.recommendations]
    assert len(item_ids) == 8
    assert all(map(is_even, item_ids))
    assert not set(item_ids) & set(EVEN)
    assert scores == sorted(scores, reverse=True)
    assert (answer.strategy, answer.artifact_id) == ("model", predictor.artifact_id)


def test_unknown_items_are_ignored_by_name_and_the_rest_serves(
    engine: Engine, predictor: Predictor, popularity: Popularity
) -> None:
    with reading(engine) as session:
        whole = recommend_for_history(session, predictor, popularity, history=EVEN, n=5)
        mixed = recommend_for_history(
            session, predictor, popularity, history=["nowhere", *EVEN, "nowhere"], n=5
        )
    assert mixed.ignored == ("nowhere",)
    assert mixed.recommendations == whole.recommendations


def test_excluded_hidden_and_deleted_items_never_come(
    engine: Engine, predictor: Predictor, popularity: Popularity
) -> None:
    def ask() -> list[str]:
        with reading(engine) as session:
            answer = recommend_for_history(
                session, predictor, popularity, history=EVEN, n=100, exclude_ids=["item-008"]
            )
        return [row.item_id for row in answer.recommendations]

    before = ask()
    assert "item-008" not in before
    with writing(engine) as session:
        update_item(session, item_id=before[0], changes={"hidden": True}, now=NOW)
        delete_item(session, item_id=before[1])
    assert ask() == before[2:]


def test_history_itself_may_be_asked_for(
    engine: Engine, predictor: Predictor, popularity: Popularity
) -> None:
    with reading(engine) as session:
        answer = recommend_for_history(
            session, predictor, popularity, history=EVEN, n=100, exclude_seen=False
        )
    assert {row.item_id for row in answer.recommendations} >= set(EVEN)


@pytest.mark.parametrize("history", [[], ["nowhere"]])
def test_no_usable_history_gets_popular_items(
    history: list[str], engine: Engine, predictor: Predictor, popularity: Popularity
) -> None:
    with reading(engine) as session:
        answer = recommend_for_history(session, predictor, popularity, history=history, n=3)
    assert (answer.strategy, answer.artifact_id, len(answer.recommendations)) == (
        "popularity",
        None,
        3,
    )
    scores = [row.score for row in answer.recommendations]
    assert scores == sorted(scores, reverse=True)


def test_without_an_artifact_everybody_gets_popular_items(
    engine: Engine, popularity: Popularity
) -> None:
    store_world(engine, two_tastes(10))
    with reading(engine) as session:
        by_history = recommend_for_history(session, None, popularity, history=EVEN, n=3)
        by_user = recommend_for_user(session, None, popularity, user_id="user-0000", n=100)
    assert by_history.strategy == by_user.strategy == "popularity"
    assert not set(EVEN) & {row.item_id for row in by_history.recommendations}


def test_popular_items_too_are_narrowed_to_those_that_the_network_knows(
    engine: Engine, predictor: Predictor, popularity: Popularity
) -> None:
    now = datetime.now(UTC)
    rows = [NewInteraction(f"user-{num:04}", "late", "play", 1.0, now) for num in range(9)]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=now)

    def popular(predictor: Predictor | None, items: Which) -> set[str]:
        with reading(engine) as session:
            answer = recommend_for_history(
                session, predictor, popularity, history=[], n=100, items=items
            )
        return {row.item_id for row in answer.recommendations}

    assert "late" in popular(predictor, "all")
    assert popular(predictor, "warm") == popular(predictor, "all") - {"late"}
    assert popular(None, "all")
    assert popular(None, "warm") == popular(None, "cold") == set()


def test_a_user_who_arrived_a_second_ago_is_served_without_retraining(
    engine: Engine, predictor: Predictor, popularity: Popularity
) -> None:
    rows = [NewInteraction("new", item_id, "like", 1.0, UNTIMED) for item_id in EVEN]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=NOW)
    with reading(engine) as session:
        stored = recommend_for_user(session, predictor, popularity, user_id="new", n=5)
        posted = recommend_for_history(session, predictor, popularity, history=EVEN, n=5)
    assert stored.recommendations == posted.recommendations


def test_what_a_user_disliked_is_not_history_but_is_not_shown_again(
    engine: Engine, predictor: Predictor, popularity: Popularity
) -> None:
    rows = [NewInteraction("new", item_id, "like", 1.0, UNTIMED) for item_id in EVEN]
    disliked = NewInteraction("new", "item-010", "like", -1.0, UNTIMED)
    with writing(engine) as session:
        store_interactions(session, rows=[*rows, disliked], now=NOW)
    with reading(engine) as session:
        answer = recommend_for_user(session, predictor, popularity, user_id="new", n=100)
        reconstruction = reconstruct_user(session, predictor, user_id="new", n=100)
    assert "item-010" not in {row.item_id for row in answer.recommendations}
    observed = {row.item_id for row in reconstruction.reconstruction if row.observed}
    assert observed == set(EVEN)


def test_reconstruction_errors_sum_to_the_error_and_come_largest_first(
    engine: Engine, predictor: Predictor
) -> None:
    with reading(engine) as session:
        answer = reconstruct_history(session, predictor, history=EVEN, n=1000)
        short = reconstruct_history(session, predictor, history=EVEN, n=3)
    errors = [row.error for row in answer.reconstruction]
    assert len(errors) == answer.n_items == 40
    assert math.isclose(sum(errors), answer.error, rel_tol=1e-5)
    assert errors == sorted(errors, reverse=True)
    assert all(
        math.isclose(row.error, abs(row.observed - row.expected), rel_tol=1e-5, abs_tol=1e-6)
        for row in answer.reconstruction
    )
    assert short.reconstruction == answer.reconstruction[:3]
    assert short.error == answer.error


def test_decoder_embeddings_and_biases_give_the_recommended_scores(
    engine: Engine, predictor: Predictor, popularity: Popularity
) -> None:
    with reading(engine) as session:
        user = np.array(
            embed_user(session, predictor, user_id="user-0000", space="decoder").embedding
        )
        answer = recommend_for_user(session, predictor, popularity, user_id="user-0000", n=5)
        items = [
            embed_item(session, predictor, item_id=row.item_id) for row in answer.recommendations
        ]
        code = embed_user(session, predictor, user_id="user-0000", space="code")
    scores = [float(user @ np.array(item.embedding)) + item.bias for item in items]
    assert scores == pytest.approx([row.score for row in answer.recommendations], abs=1e-5)
    assert len(code.embedding) == 8
    assert len(user) == len(items[0].embedding) == 16


def test_similar_items_share_the_taste(engine: Engine, predictor: Predictor) -> None:
    with reading(engine) as session:
        answer = similar_items(session, predictor, item_id="item-001", n=5)
    assert not any(is_even(row.item_id) for row in answer.items)
    assert all(row.score <= 1.0001 for row in answer.items)


def test_a_mixed_history_is_stranger_than_a_pure_one_and_contributions_sum(
    engine: Engine, predictor: Predictor
) -> None:
    rows = [NewInteraction("pure", item_id, "like", 1.0, UNTIMED) for item_id in EVEN]
    rows += [NewInteraction("mixed", i, "like", 1.0, UNTIMED) for i in [*EVEN[:3], "item-007"]]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=NOW)
    with reading(engine) as session:
        pure = score_user(session, predictor, Baseline(), user_id="pure", alert_rate=0.1)
        mixed = score_user(session, predictor, Baseline(), user_id="mixed", alert_rate=0.1)
    assert mixed.anomaly_score > pure.anomaly_score
    assert mixed.p_value <= pure.p_value
    assert mixed.contributions[0].item_id == "item-007"
    total = sum(row.contribution for row in mixed.contributions)
    assert math.isclose(total, mixed.anomaly_score, rel_tol=1e-5)


def test_an_alert_rate_that_the_calibration_cannot_promise_gives_no_threshold(
    engine: Engine, predictor: Predictor
) -> None:
    with reading(engine) as session:
        answer = score_user(session, predictor, Baseline(), user_id="user-0000", alert_rate=0.001)
    assert answer.threshold is None
    assert not answer.is_anomaly
    assert "cannot promise" in answer.notes[0]


def test_a_user_without_interactions_is_served_and_is_not_strange(
    engine: Engine, predictor: Predictor, popularity: Popularity
) -> None:
    with writing(engine) as session:
        put_user(session, user_id="quiet", attributes={}, now=NOW)
    with reading(engine) as session:
        anomaly = score_user(session, predictor, Baseline(), user_id="quiet", alert_rate=0.1)
        answer = recommend_for_user(session, predictor, popularity, user_id="quiet", n=3)
    assert (anomaly.anomaly_score, anomaly.p_value, anomaly.is_anomaly) == (0.0, 1.0, False)
    assert answer.strategy == "popularity"


def test_what_needs_a_network_says_how_to_get_one(engine: Engine) -> None:
    with reading(engine) as session, pytest.raises(NotReady, match="hourglass train"):
        reconstruct_history(session, None, history=EVEN, n=3)


def test_unknown_users_and_items_are_named(engine: Engine, predictor: Predictor) -> None:
    with reading(engine) as session:
        with pytest.raises(NotFound, match="'nobody'"):
            score_user(session, predictor, Baseline(), user_id="nobody", alert_rate=0.1)
        with pytest.raises(NotFound, match="'nothing'"):
            similar_items(session, predictor, item_id="nothing", n=3)


def test_the_active_predictor_follows_promotions_and_survives_a_damaged_one(
    engine: Engine, predictor: Predictor, tmp_path: Path
) -> None:
    store_url = str(tmp_path / "artifacts")
    active = ActivePredictor(engine, store_url)
    assert active.get() is None
    active.refresh()
    loaded = active.get()
    assert loaded is not None
    assert loaded.artifact_id == predictor.artifact_id
    values = named_run("denoising").values()
    values["network"].update({"hidden_dims": [16], "latent_dim": 8})
    values["fit"].update({"epochs": 40, "learning_rate": 0.01, "batch_size": 20})
    config, store = run_config_of({**values, "seed": 1}), Store(store_url)
    second = run_training(engine, store, config, home=tmp_path, on_progress=lambda _: None)
    promote_by_id(engine, store, second.artifact_id)
    weights = tmp_path / "artifacts" / second.artifact_id / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    active.refresh()
    assert active.get() is loaded
    assert active.status()[0] is False
