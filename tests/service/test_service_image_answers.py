"""What the network makes of images, over HTTP."""

import shutil
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy.orm import Session

from pipelines import schema
from pipelines.images.artifact import ImageArtifact
from pipelines.images.embedding import embed_contents
from pipelines.predictor import active_images, image_answers
from pipelines.predictor.active_images import LiveImages
from pipelines.storage.engine import create_engine, writing
from service.app import create_app
from service.context import EXTENSION
from tests.images.conftest import config, store_shapes
from tests.pictures import drawn, png, saved
from tests.running import run
from tests.service.conftest import settings_at

CIRCLE = "/v1/items/circle%2F000"
LAYERS = "conv1, conv2"


@pytest.fixture(scope="module")
def shapes_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with shapes and a promoted artifact about them; copy it, do not change it."""
    settings = settings_at(tmp_path_factory.mktemp("shapes"))
    schema.upgrade(settings.database_url)
    engine = create_engine(settings.database_url)
    store_shapes(engine, settings.home / "shapes", n=30)
    run(engine, settings.home, config(epochs=10))
    engine.dispose()
    return settings.home


@pytest.fixture
def seeing(shapes_home: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    """Asks an app that has an active artifact about images, and none about interactions."""
    shutil.copytree(shapes_home, tmp_path / "home")
    app = create_app(settings_at(tmp_path / "home"), watch=False)
    parts = app.extensions[EXTENSION]
    parts.images.refresh()
    yield app.test_client()
    parts.engine.dispose()


def circle() -> bytes:
    return saved(drawn("circle", np.random.default_rng(9)))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/items/a/similar?by=image"),
        ("POST", "/v1/images/similar"),
        ("GET", "/v1/items/a/image/reconstruction"),
        ("GET", "/v1/items/a/image/error-map"),
        ("GET", "/v1/items/a/feature-maps?layer=conv1"),
        ("GET", "/v1/items/a/image/label"),
    ],
)
def test_before_anything_is_trained_the_answer_is_503_with_the_remedy(
    client: FlaskClient, method: str, path: str
) -> None:
    client.put("/v1/items/a/image", data=png(), content_type="image/png")
    body = {"data": png(), "content_type": "image/png"} if method == "POST" else {}
    answer = client.open(path, method=method, **body)
    assert answer.status_code == 503
    assert "hourglass train convolutional" in answer.json["detail"]


def test_what_looks_alike_lies_near_and_the_item_itself_is_left_out(seeing: FlaskClient) -> None:
    answer = seeing.get(f"{CIRCLE}/similar?by=image&n=10").json
    found = [row["item_id"] for row in answer["items"]]
    assert len(found) == 10
    assert "circle/000" not in found
    assert sum(item_id.startswith("circle/") for item_id in found) >= 8
    scores = [row["score"] for row in answer["items"]]
    assert scores == sorted(scores, reverse=True)
    assert answer["artifact_id"] == seeing.get("/readyz").json["checks"]["image_artifact"]["reason"]
    assert seeing.get(f"{CIRCLE}/similar").status_code == 503


def test_a_posted_image_finds_its_like_and_is_not_stored(seeing: FlaskClient) -> None:
    answer = seeing.post("/v1/images/similar?n=5", data=circle(), content_type="image/png")
    found = [row["item_id"] for row in answer.json["items"]]
    assert sum(item_id.startswith("circle/") for item_id in found) >= 4
    assert len(seeing.get("/v1/items?limit=500").json["items"]) == 60
    refused = seeing.post("/v1/images/similar", data=b"text", content_type="image/png")
    assert refused.status_code == 415


def test_an_image_that_comes_later_is_a_neighbour_at_once_and_a_removed_one_none(
    seeing: FlaskClient,
) -> None:
    def nearest() -> list[str]:
        answer = seeing.post("/v1/images/similar?n=2", data=circle(), content_type="image/png")
        return [row["item_id"] for row in answer.json["items"]]

    seeing.put("/v1/items/twin/image", data=circle(), content_type="image/png")
    assert nearest()[0] == "twin"
    seeing.put("/v1/items/twin/image", data=png(), content_type="image/png")
    assert nearest()[0] != "twin"
    seeing.put("/v1/items/twin/image", data=circle(), content_type="image/png")
    seeing.patch("/v1/items/twin", json={"hidden": True})
    assert "twin" not in nearest()
    seeing.patch("/v1/items/twin", json={"hidden": False})
    assert nearest()[0] == "twin"
    seeing.delete("/v1/items/twin/image")
    assert "twin" not in nearest()


def test_a_network_runs_before_the_transaction_and_not_for_an_image_that_is_there(
    seeing: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = seeing.application.extensions[EXTENSION].engine
    embedded: list[int] = []

    def embed(artifact: ImageArtifact, contents: list[bytes]) -> object:
        began = time.monotonic()
        with writing(engine):  # SQLite would have this wait for any other
            assert time.monotonic() - began < 5
        embedded.append(len(contents))
        return embed_contents(artifact, contents)

    monkeypatch.setattr(image_answers, "embed_contents", embed)
    for status in (201, 200):
        answer = seeing.put("/v1/items/twin/image", data=circle(), content_type="image/png")
        assert answer.status_code == status
    assert embedded == [1]


def test_only_neighbours_cost_a_look_at_all_embeddings(
    seeing: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeing.put("/v1/items/twin/image", data=circle(), content_type="image/png")
    reads: list[object] = []

    def read(session: Session, artifact: ImageArtifact) -> LiveImages:
        reads.append(artifact)
        return read_live(session, artifact)

    read_live = active_images._read_live
    monkeypatch.setattr(active_images, "_read_live", read)
    for path in ("image/reconstruction", "image/error-map", "feature-maps?layer=conv1"):
        assert seeing.get(f"/v1/items/twin/{path}").status_code == 200
    assert seeing.get("/v1/items/twin/image/label").status_code == 200
    assert not reads
    assert seeing.get("/v1/items/twin/similar?by=image").status_code == 200
    assert len(reads) == 1


def test_pictures_are_png_files_of_the_image_s_size_that_name_their_artifact(
    seeing: FlaskClient,
) -> None:
    seeing.put("/v1/items/wide/image", data=png(200, (40, 20)), content_type="image/png")
    for path in ("image/reconstruction", "image/error-map"):
        answer = seeing.get(f"/v1/items/wide/{path}")
        assert (answer.status_code, answer.content_type) == (200, "image/png")
        assert Image.open(BytesIO(answer.data)).size == (40, 20)
        assert answer.headers["Hourglass-Artifact"].startswith("convolutional-")
        assert float(answer.headers["Hourglass-Error"]) > 0
    rebuilt = Image.open(BytesIO(seeing.get(f"{CIRCLE}/image/reconstruction").data))
    original = Image.open(BytesIO(seeing.get(f"{CIRCLE}/image").data))
    difference = np.asarray(rebuilt, float) - np.asarray(original, float)
    assert np.abs(difference).mean() < np.abs(np.asarray(original, float)).mean()


def test_each_layer_s_maps_come_as_one_grid_and_a_wrong_layer_lists_them(
    seeing: FlaskClient,
) -> None:
    first = Image.open(BytesIO(seeing.get(f"{CIRCLE}/feature-maps?layer=conv1").data))
    assert first.size == (6 * 34 + 2, 6 * 34 + 2)  # 32 maps of 8 by 8, enlarged four times
    for path in ("feature-maps?layer=conv9", "feature-maps"):
        answer = seeing.get(f"{CIRCLE}/{path}")
        assert answer.status_code == 422
        assert LAYERS in answer.json["detail"]
        assert answer.json["errors"][0]["pointer"] == "/layer"


def test_a_label_comes_with_the_probabilities_of_all(seeing: FlaskClient) -> None:
    answer = seeing.get(f"{CIRCLE}/image/label").json
    assert answer["label"] == "circle"
    assert answer["exclusive"] is True
    assert sum(row["probability"] for row in answer["probabilities"]) == pytest.approx(1)
    assert [row["label"] for row in answer["probabilities"]] == ["circle", "bar"]


def test_an_item_without_an_image_is_404(seeing: FlaskClient) -> None:
    seeing.put("/v1/items/plain", json={})
    for path in ("similar?by=image", "image/label", "image/error-map", "feature-maps"):
        assert seeing.get(f"/v1/items/plain/{path}").status_code == 404
        assert seeing.get(f"/v1/items/nobody/{path}").status_code == 404


def test_without_categories_there_are_no_labels(settings: object, tmp_path: Path) -> None:
    home = settings_at(tmp_path)
    engine = create_engine(home.database_url)
    store_shapes(engine, tmp_path / "shapes", n=6)
    run(engine, tmp_path, config(epochs=1, images={"labels": False}))
    app = create_app(home, watch=False)
    app.extensions[EXTENSION].images.refresh()
    answer = app.test_client().get(f"{CIRCLE}/image/label")
    assert answer.status_code == 409
    assert "two categories" in answer.json["detail"]
    engine.dispose()
