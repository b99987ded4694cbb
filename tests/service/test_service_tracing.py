"""What every answer carries, what the log says, what a fault does not tell."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.app import Hourglass


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(capsys.readouterr().err.splitlines()[-1])
    return line


def test_a_sane_request_id_is_kept(client: FlaskClient) -> None:
    answer = client.get("/v1/items/x", headers={"X-Request-ID": "my request 1"})
    assert answer.headers["X-Request-ID"] == answer.json["request_id"] == "my request 1"


@pytest.mark.parametrize("sent", ["", "x" * 129, "é", "a\tb"])
def test_another_request_id_is_made(client: FlaskClient, sent: str) -> None:
    made = client.get("/healthz", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
    assert made != sent
    assert len(made) == 32


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/nowhere", "/v1/items/%FF"])
def test_every_answer_has_the_security_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path, headers={"Origin": "https://elsewhere.example"}).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "X-Request-ID" in headers
    assert "Access-Control-Allow-Origin" not in headers


def test_log_has_one_line_a_request_with_the_route_and_no_body(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.put("/v1/items/secret-id", json={"title": "secret title"}, headers={"X-Request-ID": "r"})
    text = capsys.readouterr().err
    (line,) = map(json.loads, text.splitlines())
    assert {name: line[name] for name in ("method", "route", "status", "request_id")} == {
        "method": "PUT",
        "route": "/v1/items/<item_id>",
        "status": 201,
        "request_id": "r",
    }
    assert line["ms"] >= 0
    assert "secret" not in text


def test_a_fault_is_logged_and_tells_the_caller_only_its_request_id(
    app: Hourglass, capsys: pytest.CaptureFixture[str]
) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("the password is 1234")

    answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    assert answer.json["type"] == "/problems/internal-error"
    assert "1234" not in answer.text
    fault = json.loads(capsys.readouterr().err.splitlines()[0])
    assert "the password is 1234" in fault["exception"]
    assert fault["request_id"] == answer.json["request_id"]
