"""New items of which nothing is known but an image, in answers by what it shows."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from pipelines.data.images import kept
from pipelines.images.upkeep import ImageUpkeep
from pipelines.predictor.active import ActivePredictor, single_predictor
from pipelines.predictor.active_images import ActiveImages
from pipelines.predictor.popularity import Popularity
from pipelines.predictor.predictor import Predictor
from pipelines.predictor.recommend import Recommendation, recommend_for_history
from pipelines.registry.artifact import read_artifact
from pipelines.registry.registry import promote_by_id
from pipelines.registry.store import Store
from pipelines.runs.requests import request_run
from pipelines.runs.steps import STEPS
from pipelines.storage.artifacts import active_artifact_id, get_artifact
from pipelines.storage.engine import BUSY_SECONDS, reading, writing
from pipelines.storage.images import NewImage, delete_image, image_state, put_images
from pipelines.storage.runs import get_run
from pipelines.storage.tables import IMAGES
from pipelines.training.run_config import RunConfig, named_run, run_config_of
from pipelines.workflows import RunResult, carry_out, is_current, run_training
from tests.pictures import drawn
from tests.worlds import N_ITEMS, store_world, two_tastes

SHAPES = ("circle", "bar")
"""Of even and of odd items: as the users' tastes."""
EVEN = ["item-000", "item-002", "item-004", "item-006"]
ODD = ["item-001", "item-003", "item-005", "item-007"]
"""Histories of users who like circles, and of those who like bars."""


@pytest.fixture
def engine(sqlite_engine: Engine) -> Engine:
    """Users of two tastes; items with an image and nothing else."""
    store_world(sqlite_engine, two_tastes(120))
    put(sqlite_engine, [f"item-{num:03}" for num in range(N_ITEMS)])
    return sqlite_engine


def put(engine: Engine, item_ids: list[str], seed: int = 0) -> None:
    """Give each an image: a circle where its number is even, else a bar."""
    rng = np.random.default_rng(seed)
    images: dict[str, NewImage] = {
        item_id: kept(drawn(SHAPES[int(item_id[-3:]) % 2], rng)) for item_id in item_ids
    }
    with writing(engine) as session:
        put_images(session, images=images, now=datetime.now(UTC))


def of_images(**fit: object) -> RunConfig:
    values = named_run("convolutional").values()
    values["network"]["latent_dim"] = 8
    values["fit"].update({"epochs": 12, "batch_size": 10, **fit})
    return run_config_of(values)


@pytest.fixture
def run(engine: Engine, tmp_path: Path) -> Callable[[RunConfig], RunResult]:
    store = Store(str(tmp_path / "artifacts"))

    def train(config: RunConfig) -> RunResult:
        return run_training(engine, store, config, home=tmp_path, on_progress=lambda _: None)

    return train


@pytest.fixture
def trained(run: Callable[[RunConfig], RunResult]) -> tuple[RunResult, RunResult]:
    """An artifact about the images, then one about the interactions."""
    return run(of_images()), run(named_run("ease"))


@pytest.fixture
def active(engine: Engine, trained: object, tmp_path: Path) -> ActivePredictor:
    """What answers in a server, to which new items come after training."""
    predictor = ActivePredictor(engine, str(tmp_path / "artifacts"))
    predictor.refresh()
    put(engine, ["new-100", "new-101"], seed=1)
    look(predictor, engine, tmp_path)
    return predictor


def look(active: ActivePredictor, engine: Engine, home: Path) -> None:
    """As the worker and the watch do every second: the one embeds, the other takes it up."""
    upkeep = ImageUpkeep(engine, Store(str(home / "artifacts")))
    while upkeep.embed_some():
        pass
    active.refresh()
    assert active.status()[0]


def ask(
    engine: Engine, active: ActivePredictor | Predictor, history: list[str]
) -> list[Recommendation]:
    predictor = active.get() if isinstance(active, ActivePredictor) else active
    with reading(engine) as session:
        answer = recommend_for_history(session, predictor, Popularity(), history=history, n=100)
    return list(answer.recommendations)


def cold_ids(engine: Engine, active: ActivePredictor, history: list[str] = EVEN) -> list[str]:
    return [row.item_id for row in ask(engine, active, history) if row.cold]


def test_items_with_an_image_alone_stand_high_for_those_who_like_such_images(
    engine: Engine, active: ActivePredictor, tmp_path: Path
) -> None:
    circles, bars = ([f"more-{num}" for num in range(first, 120, 2)] for first in (110, 111))
    put(engine, circles + bars, seed=5)
    look(active, engine, tmp_path)
    for history, liked, others in ((EVEN, circles, bars), (ODD, bars, circles)):
        rows = ask(engine, active, history)
        front = {row.item_id for row in rows[: N_ITEMS // 2]}
        cold = [row.item_id for row in rows if row.cold and row.item_id.startswith("more")]
        assert sorted(cold[:5]) == liked
        assert sorted(cold[5:]) == others
        assert len(front & {*liked}) >= 4  # in front, and not only of each other


def test_the_manifest_names_the_artifact_whose_embeddings_the_tower_reads(
    engine: Engine, trained: tuple[RunResult, RunResult]
) -> None:
    of_images, of_interactions = trained
    with reading(engine) as session:
        artifact = get_artifact(session, artifact_id=of_interactions.artifact_id)
    assert artifact is not None
    content = artifact.manifest["content"]
    assert content["image_artifact_id"] == of_images.artifact_id
    assert content["n_items"] == N_ITEMS


def test_images_come_change_and_go_without_a_restart(
    engine: Engine, active: ActivePredictor, tmp_path: Path
) -> None:
    put(engine, ["late-102"], seed=2)
    with writing(engine) as session:
        delete_image(session, item_id="new-101", now=datetime.now(UTC))
    look(active, engine, tmp_path)
    assert sorted(cold_ids(engine, active)) == ["late-102", "new-100"]
    before = scores(engine, active)
    put_as(engine, "late-102", "bar")
    look(active, engine, tmp_path)
    assert scores(engine, active)["late-102"] < before["late-102"]


def put_as(engine: Engine, item_id: str, shape: str) -> None:
    image = kept(drawn(shape, np.random.default_rng(3)))
    with writing(engine) as session:
        put_images(session, images={item_id: image}, now=datetime.now(UTC))


def scores(engine: Engine, active: ActivePredictor | Predictor) -> dict[str, float]:
    return {row.item_id: row.score for row in ask(engine, active, EVEN)}


def test_new_items_stay_when_another_artifact_about_images_goes_live(
    engine: Engine,
    active: ActivePredictor,
    trained: tuple[RunResult, RunResult],
    run: Callable[[RunConfig], RunResult],
    tmp_path: Path,
) -> None:
    before = scores(engine, active)
    store = Store(str(tmp_path / "artifacts"))
    promote_by_id(engine, store, run(replace(of_images(epochs=3), seed=7)).artifact_id)
    with reading(engine) as session:
        assert active_artifact_id(session, subject=IMAGES) != trained[0].artifact_id
        kept_ones = image_state(session, artifact_id=trained[0].artifact_id)
        assert kept_ones.n_embeddings == kept_ones.n_images
    restarted = ActivePredictor(engine, str(tmp_path / "artifacts"))
    restarted.refresh()
    assert scores(engine, restarted) == before
    put(engine, ["late-102"], seed=2)
    look(active, engine, tmp_path)
    assert {"new-100", "new-101", "late-102"} <= set(scores(engine, active))
    with reading(engine) as session:  # a command line, an export
        single = single_predictor(session, read_artifact(store, trained[1].artifact_id))
    assert scores(engine, single) == scores(engine, active)


def test_a_damaged_artifact_about_images_silences_the_images_alone(
    engine: Engine, trained: tuple[RunResult, RunResult], tmp_path: Path
) -> None:
    weights = tmp_path / "artifacts" / trained[0].artifact_id / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    put(engine, ["new-100"], seed=1)
    restarted = ActivePredictor(engine, str(tmp_path / "artifacts"))
    look(restarted, engine, tmp_path)
    assert len(ask(engine, restarted, EVEN)) == N_ITEMS - len(EVEN)


def test_a_look_only_reads_whatever_lacks_an_embedding_and_whoever_writes(
    engine: Engine, trained: tuple[RunResult, RunResult], tmp_path: Path
) -> None:
    put(engine, ["new-100"], seed=1)
    store_url = str(tmp_path / "artifacts")
    watchers = (ActivePredictor(engine, store_url), ActiveImages(engine, store_url))
    with writing(engine):
        began = time.monotonic()
        for watcher in watchers:
            for _ in range(2):
                watcher.refresh()
        assert time.monotonic() - began < BUSY_SECONDS / 2
        assert all(watcher.status()[0] for watcher in watchers)
    with reading(engine) as session:
        state = image_state(session, artifact_id=trained[0].artifact_id)
    assert (state.n_embeddings, state.n_images) == (N_ITEMS, N_ITEMS + 1)


def test_a_run_sees_the_embeddings_that_its_snapshot_kept(
    engine: Engine,
    trained: tuple[RunResult, RunResult],
    run: Callable[[RunConfig], RunResult],
    tmp_path: Path,
) -> None:
    store = Store(str(tmp_path / "artifacts"))
    with writing(engine) as session:
        run_id = request_run(session, named_run("ease"), now=datetime.now(UTC)).run_id
    assert carry_out(engine, store, tmp_path, step="snapshot", run_id=run_id)
    promote_by_id(engine, store, run(of_images(epochs=3)).artifact_id)
    for step, _ in STEPS[1:]:  # each by another process, as it were
        assert carry_out(engine, store, tmp_path, step=step, run_id=run_id)
    with reading(engine) as session:
        row = get_run(session, run_id=run_id)
    assert row is not None
    assert row.artifact_id == trained[1].artifact_id


def test_is_current_until_an_image_or_who_embeds_them_changes(
    engine: Engine,
    trained: tuple[RunResult, RunResult],
    run: Callable[[RunConfig], RunResult],
    tmp_path: Path,
) -> None:
    assert is_current(engine, named_run("ease"))
    put_as(engine, "item-000", "bar")
    assert not is_current(engine, named_run("ease"))
    run(named_run("ease"))  # embeds the image that changed
    assert is_current(engine, named_run("ease"))
    other = run(of_images(epochs=3))
    promote_by_id(engine, Store(str(tmp_path / "artifacts")), other.artifact_id)
    assert not is_current(engine, named_run("ease"))


def test_images_that_came_later_count_in_the_next_run(
    engine: Engine, trained: tuple[RunResult, RunResult], run: Callable[[RunConfig], RunResult]
) -> None:
    with writing(engine) as session:
        delete_image(session, item_id="item-000", now=datetime.now(UTC))
    assert _n_items(engine, run(named_run("ease"))) == N_ITEMS - 1
    put(engine, ["item-000"], seed=4)
    assert _n_items(engine, run(named_run("ease"))) == N_ITEMS


def _n_items(engine: Engine, result: RunResult) -> int:
    with reading(engine) as session:
        artifact = get_artifact(session, artifact_id=result.artifact_id)
    assert artifact is not None
    number: int = artifact.manifest["content"]["n_items"]
    return number
