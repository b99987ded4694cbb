"""The benchmark of serving: what it counts, and what is an error and not a figure."""

import json
import sys
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from benchmarks import serving
from benchmarks.serving_calls import Server, ServingError, bodies_of, called


class Answering(BaseHTTPRequestHandler):
    """What recommends the same to everybody, and holds the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps({"artifact_id": "one", "recommendations": []}).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def server_at(port: int, artifact_id: str) -> Server:
    return Server(None, port, artifact_id)  # type: ignore[arg-type]  # it has no process


def test_every_caller_is_answered_its_share_of_the_count(port: int) -> None:
    answers = called(server_at(port, "one"), [b"{}"], callers=3, seconds=30, count=30)
    assert len(answers.waited) == 30
    assert 0 < min(answers.waited) <= max(answers.waited) <= answers.seconds
    figures = serving._summary(answers)
    assert figures["answers"] == 30
    assert figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"]


def test_the_seconds_end_it_too(port: int) -> None:
    answers = called(server_at(port, "one"), [b"{}"], callers=1, seconds=0.0, count=10_000)
    assert len(answers.waited) < 10_000


def test_an_answer_of_another_artifact_is_an_error(port: int) -> None:
    with pytest.raises(ServingError, match="200"):
        called(server_at(port, "other"), [b"{}"], callers=1, seconds=5, count=1)


def test_requests_are_histories_of_the_data(tmp_path: Path) -> None:
    path = tmp_path / "interactions.csv"
    path.write_text("user_id,item_id\n" + "".join(f"u1,i{num}\n" for num in range(9)))
    bodies = [json.loads(each) for each in bodies_of(path, 3, length=4, n=2, seed=1)]
    assert all(len(set(each["history"])) == 4 and each["n"] == 2 for each in bodies)
    assert {item for each in bodies for item in each["history"]} <= {f"i{n}" for n in range(9)}


def test_a_real_server_is_measured_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "serving --users 80 --items 60 --configs spectral --count 8 --json"
    monkeypatch.setattr(sys, "argv", words.split())
    assert serving.main() == 0
    document = json.loads(capsys.readouterr().out)
    figures = document["figures"]["spectral"]
    assert [each["answers"] for each in figures["callers"].values()] == [8, 8, 8, 8]
    assert figures["artifact_id"].startswith("spectral-")
    assert figures["peak_rss_mb"] > 100
