"""Items and users: written, read, changed, removed, listed."""

import pytest
from flask.testing import FlaskClient

from service.pagination import encode_cursor


def test_put_creates_then_replaces(client: FlaskClient) -> None:
    song = {"title": "Song", "categories": ["folk"], "attributes": {"year": 1971}, "hidden": True}
    song["tags"] = ["live"]
    first = client.put("/v1/items/s", json=song)
    again = client.put("/v1/items/s", json=song)
    assert (first.status_code, again.status_code) == (201, 200)
    assert {name: again.json[name] for name in song} == song
    assert client.put("/v1/items/s", json={}).json["title"] is None


def test_patch_changes_only_what_is_sent(client: FlaskClient) -> None:
    client.put("/v1/items/s", json={"title": "Song", "categories": ["folk"]})
    changed = client.patch("/v1/items/s", json={"hidden": True}).json
    assert (changed["title"], changed["categories"], changed["hidden"]) == ("Song", ["folk"], True)
    assert client.patch("/v1/items/s", json={"title": None}).json["title"] is None
    client.put("/v1/users/u", json={"attributes": {"a": 1}})
    assert client.patch("/v1/users/u", json={}).json["attributes"] == {"a": 1}


@pytest.mark.parametrize("path", ["/v1/items/x", "/v1/users/x"])
def test_what_is_not_there_is_404_for_every_method_but_put(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.patch(path, json={}).status_code == 404
    assert client.delete(path).status_code == 404
    client.put(path, json={})
    deleted = client.delete(path)
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert client.delete(path).status_code == 404


@pytest.mark.parametrize(("name", "key"), [("items", "item_id"), ("users", "user_id")])
def test_pages_hold_every_row_once_in_order(client: FlaskClient, name: str, key: str) -> None:
    ids = sorted(f"id-{number}/é" for number in range(7))
    for external_id in ids:
        client.put(f"/v1/{name}/{external_id.replace('/', '%2F')}", json={})
    found, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = client.get(f"/v1/{name}", query_string=query).json
        found += [row[key] for row in page[name]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == ids


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "é",
        "AAAA",
        encode_cursor("users", ["x"]),
        encode_cursor("items", ["\0"]),
        encode_cursor("items", ["\ud800"]),
        encode_cursor("items", ["a", "b"]),
    ],
)
def test_a_cursor_of_elsewhere_is_refused(client: FlaskClient, cursor: str) -> None:
    answer = client.get("/v1/items", query_string={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/cursor"


def test_letters_are_answered_as_they_were_sent(client: FlaskClient) -> None:
    client.put("/v1/items/s", json={"title": "Sigur Rós 🎵"})
    assert "Sigur Rós 🎵" in client.get("/v1/items/s").text
