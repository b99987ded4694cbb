"""Items that came after training, over HTTP."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from pipelines.registry.store import Store
from pipelines.settings import Settings
from pipelines.storage.engine import create_engine
from pipelines.training.run_config import named_run
from pipelines.workflows import run_training
from service.app import create_app
from service.context import EXTENSION
from tests.worlds import describe_tastes, store_world, two_tastes

HISTORY = ["item-000", "item-002", "item-004"]


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    """Of a service trained on items with content, to which two are put afterwards."""
    engine = create_engine(settings.database_url)
    store_world(engine, two_tastes(60))
    describe_tastes(engine)
    store = Store(settings.store_url)
    run_training(engine, store, named_run("ease"), home=settings.home, on_progress=lambda _: None)
    engine.dispose()
    app = create_app(settings, watch=False)
    client = app.test_client()
    for item_id, taste in (("even-new", "even"), ("odd-new", "odd")):
        client.put(f"/v1/items/{item_id}", json={"categories": [taste], "tags": [f"very {taste}"]})
    app.extensions[EXTENSION].active.refresh()  # as the watch does every second
    yield client
    app.extensions[EXTENSION].engine.dispose()


def ask(client: FlaskClient, **body) -> list[dict]:
    answer = client.post("/v1/recommendations", json={"history": HISTORY, "n": 100, **body})
    assert answer.status_code == 200
    return answer.json["recommendations"]


def test_new_items_are_marked_and_the_others_look_as_ever(client: FlaskClient) -> None:
    rows = {row["item_id"]: row for row in ask(client)}
    assert rows["even-new"]["score"] > rows["odd-new"]["score"]
    assert rows["even-new"]["cold"] is True
    assert set(rows["item-006"]) == {"item_id", "score", "title"}


def test_new_items_may_be_asked_for_alone_or_left_out(client: FlaskClient) -> None:
    assert [row["item_id"] for row in ask(client, items="cold")] == ["even-new", "odd-new"]
    assert not any(row.get("cold") for row in ask(client, items="warm"))
    answer = client.get("/v1/users/user-0000/recommendations?items=cold")
    assert [row["item_id"] for row in answer.json["recommendations"]] == ["even-new", "odd-new"]


def test_another_word_for_items_is_refused(client: FlaskClient) -> None:
    answer = client.post("/v1/recommendations", json={"history": HISTORY, "items": "new"})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/items"
