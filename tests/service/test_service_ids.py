"""Ids in paths: any printable string, taken from the raw request target."""

from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.data.checks import id_problem
from service.paths import RawPath

RARE = [
    "a/similar",
    "a/",
    "/",
    "..",
    ".",
    'say "hi"',
    "it's",
    "100%",
    "%2F",
    "a b",
    "a+b",
    "a?b#c",
    "👨‍👩‍👧",
    "Sigur Rós",
]

printable = st.text(min_size=1, max_size=256).filter(lambda text: id_problem(text) is None)


@pytest.mark.parametrize("item_id", RARE)
def test_item_with_a_rare_id_is_stored_and_found_again(client: FlaskClient, item_id: str) -> None:
    url = f"/v1/items/{quote(item_id, safe='')}"
    assert client.put(url, json={"title": "rare"}).status_code == 201
    assert client.get(url).json["item_id"] == item_id
    assert client.delete(url).status_code == 204


@given(user_id=printable)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_printable_id_survives_the_path(client: FlaskClient, user_id: str) -> None:
    url = f"/v1/users/{quote(user_id, safe='')}"
    assert client.put(url, json={}).json["user_id"] == user_id
    assert client.get(url).json["user_id"] == user_id


def test_an_id_that_ends_like_a_route_is_not_that_route(trained_client: FlaskClient) -> None:
    trained_client.put("/v1/items/song-4%2Fsimilar", json={"title": "an item"})
    assert trained_client.get("/v1/items/song-4%2Fsimilar").json["title"] == "an item"
    assert "items" in trained_client.get("/v1/items/song-4/similar").json


@pytest.mark.parametrize("encoded", ["a%00b", "%0A", "%7F", "%C2%85", "%E2%80%A8", "a" * 257])
def test_an_id_that_cannot_be_is_refused_by_name(client: FlaskClient, encoded: str) -> None:
    answer = client.get(f"/v1/items/{encoded}")
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/item_id"


def test_bytes_that_are_not_utf_8_are_a_malformed_request(client: FlaskClient) -> None:
    answer = client.get("/v1/users/%FF%FE/embedding")
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == "/user_id"


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"RAW_URI": "/v1/items/a%2fb?x=/y"}, "/v1/items/a%2Fb"),
        ({"RAW_URI": "http://host:1/v1/%69tems"}, "/v1/items"),
        ({"REQUEST_URI": "/app/v1/items", "SCRIPT_NAME": "/app"}, "/v1/items"),
        ({"RAW_URI": "*", "PATH_INFO": "/"}, "/"),
        ({"PATH_INFO": "/v1/items/\xc3\xa9"}, "/v1/items/%C3%A9"),
    ],
)
def test_path_is_read_from_any_servers_raw_target(environ: dict[str, str], path: str) -> None:
    seen = dict(environ)
    RawPath(lambda _environ, _start: [])(seen, lambda *_: lambda _: None)
    assert seen["PATH_INFO"] == path
