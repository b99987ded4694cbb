"""Wrong input: each a problem that names the field and the remedy."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

JSON = "application/json"
RECOMMEND = "/v1/recommendations"

WRONG_BODIES = [
    (RECOMMEND, '{"history": [], "n": 0}', "/n"),
    (RECOMMEND, '{"history": [], "n": -1}', "/n"),
    (RECOMMEND, '{"history": [], "n": 1000000000}', "/n"),
    (RECOMMEND, '{"history": [], "n": "5"}', "/n"),
    (RECOMMEND, '{"history": [], "n": true}', "/n"),
    (RECOMMEND, '{"history": [], "n": 5.0}', "/n"),
    (RECOMMEND, '{"history": [], "n": NaN}', "/n"),
    (RECOMMEND, '{"history": [], "exclude_seen": 1}', "/exclude_seen"),
    (RECOMMEND, '{"history": "song-4"}', "/history"),
    (RECOMMEND, '{"history": ["a", 4]}', "/history/1"),
    (RECOMMEND, '{"history": [""]}', "/history/0"),
    (RECOMMEND, '{"history": ["\\u0000"]}', "/history/0"),
    (RECOMMEND, '{"history": ["\\ud800"]}', "/history/0"),
    (RECOMMEND, '{"history": [], "a/b~c": 1}', "/a~1b~0c"),
    (RECOMMEND, '{"history": [], "\\ud800": 1}', ""),
    (RECOMMEND, '{"history": [], "user_id": "u"}', ""),
    (RECOMMEND, "{}", ""),
    (RECOMMEND, "[]", ""),
    ("/v1/reconstructions", '{"history": [], "n": 1001}', "/n"),
    ("/v1/interactions", '{"interactions": []}', "/interactions"),
    ("/v1/interactions", '{"interactions": [1]}', "/interactions/0"),
]

WRONG_FIELDS = [
    ("weight", "NaN"),
    ("weight", "Infinity"),
    ("weight", "1e999"),
    ("weight", "1" + "0" * 400),
    ("weight", '"1"'),
    ("weight", "true"),
    ("action", '""'),
    ("action", '"a\\nb"'),
    ("user_id", "null"),
    ("item_id", '"' + "x" * 257 + '"'),
    ("occurred_at", '"2026-01-31T12:00:00"'),
    ("occurred_at", '"2999-01-31T12:00:00Z"'),
    ("occurred_at", '"2025-02-30T12:00:00Z"'),
    ("occurred_at", '"0001-01-01T00:00:00+14:00"'),
    ("occurred_at", '"yesterday"'),
    ("occurred_at", "1700000000"),
]

WRONG_ITEMS = [
    ({"title": "a\0"}, "/title"),
    ({"title": "x" * 1001}, "/title"),
    ({"categories": "folk"}, "/categories"),
    ({"categories": [""]}, "/categories/0"),
    ({"hidden": "no"}, "/hidden"),
    ({"attributes": []}, "/attributes"),
    ({"attributes": {"a": [1, float("nan")]}}, "/attributes"),
    ({"attributes": {"a\0": 1}}, "/attributes"),
    ({"attributes": {"a": "\ud800"}}, "/attributes"),
    ({"item_id": "other"}, "/item_id"),
]

WRONG_QUERIES = [
    ("/v1/items?limit=0", "/limit"),
    ("/v1/items?limit=501", "/limit"),
    ("/v1/items?limit=x", "/limit"),
    ("/v1/items?limt=5", "/limt"),
    ("/v1/interactions", "/user_id"),
    ("/v1/interactions?user_id=%00", "/user_id"),
    ("/v1/users/u/recommendations?n=1001", "/n"),
    ("/v1/users/u/embedding?space=both", "/space"),
    ("/v1/items/i/embedding?space=code", "/space"),
    ("/v1/items/i/similar?n=0", "/n"),
    ("/v1/users/u/anomaly?alert_rate=0", "/alert_rate"),
    ("/v1/users/u/anomaly?alert_rate=1", "/alert_rate"),
    ("/v1/users/u/anomaly?alert_rate=nan", "/alert_rate"),
]


def problem_of(answer: Any, status: int) -> dict[str, Any]:
    """The problem, checked for its form."""
    problem: dict[str, Any] = answer.json
    assert answer.status_code == status, problem
    assert answer.content_type == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert problem["status"] == status
    assert problem["type"].startswith("/problems/")
    assert answer.headers["X-Request-ID"] == problem["request_id"]
    return problem


@pytest.mark.parametrize(("path", "body", "pointer"), WRONG_BODIES)
def test_wrong_body_is_refused_with_the_field(
    client: FlaskClient, path: str, body: str, pointer: str
) -> None:
    problem = problem_of(client.post(path, data=body, content_type=JSON), 422)
    assert problem["errors"][0]["pointer"] == pointer
    assert problem["errors"][0]["detail"]


@pytest.mark.parametrize(("field", "value"), WRONG_FIELDS)
def test_wrong_field_of_an_interaction_is_refused(
    client: FlaskClient, field: str, value: str
) -> None:
    fields = {"user_id": '"u"', "item_id": '"i"', field: value}
    row = ",".join(f'"{name}": {text}' for name, text in fields.items())
    body = f'{{"interactions": [{{{row}}}]}}'
    problem = problem_of(client.post("/v1/interactions", data=body, content_type=JSON), 422)
    assert problem["errors"][0]["pointer"] == f"/interactions/0/{field}"


@pytest.mark.parametrize(("item", "pointer"), WRONG_ITEMS)
def test_wrong_item_is_refused(client: FlaskClient, item: dict[str, Any], pointer: str) -> None:
    answer = client.put("/v1/items/i", data=json.dumps(item), content_type=JSON)
    assert problem_of(answer, 422)["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(("url", "pointer"), WRONG_QUERIES)
def test_wrong_query_is_refused(client: FlaskClient, url: str, pointer: str) -> None:
    assert problem_of(client.get(url), 422)["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"history": [}', "line 1, column 14"),
        (b"", "line 1, column 1"),
        (b"null", "null"),
        (b'{"history": ["\xff"]}', "not UTF-8"),
        (b"[" * 100_000, "deep"),
        (b'{"n": ' + b"1" * 5000 + b"}", "JSON"),
    ],
)
def test_body_that_is_no_json_is_malformed(client: FlaskClient, body: bytes, said: str) -> None:
    assert said in problem_of(client.post(RECOMMEND, data=body, content_type=JSON), 400)["detail"]


def test_deep_attributes_are_refused_not_a_crash(client: FlaskClient) -> None:
    body = '{"attributes": ' + '{"a": ' * 700 + "1" + "}" * 701
    answer = client.put("/v1/items/i", data=body, content_type=JSON)
    assert problem_of(answer, 422)["errors"][0]["pointer"] == "/attributes"


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_body_that_is_not_declared_json_is_415(
    client: FlaskClient, content_type: str | None
) -> None:
    answer = client.post(RECOMMEND, data=b'{"history": []}', content_type=content_type)
    assert "application/json" in problem_of(answer, 415)["detail"]


def test_body_over_5_mb_is_413(client: FlaskClient) -> None:
    answer = client.post(RECOMMEND, data=b" " * 5_000_001, content_type=JSON)
    assert "5 MB" in problem_of(answer, 413)["detail"]


def test_many_errors_are_cut_and_counted(client: FlaskClient) -> None:
    answer = client.post("/v1/interactions", json={"interactions": [{}] * 1000})
    errors = problem_of(answer, 422)["errors"]
    assert len(errors) == 21
    assert "1980 more" in errors[-1]["detail"]


def test_wrong_method_says_the_right_ones(client: FlaskClient) -> None:
    answer = client.delete("/v1/interactions")
    assert "GET" in problem_of(answer, 405)["detail"]
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("path", ["/nowhere", "/v1/items/", "//v1/items", "/v2/items", "/static/x"])
def test_unknown_address_is_404(client: FlaskClient, path: str) -> None:
    problem_of(client.get(path), 404)
