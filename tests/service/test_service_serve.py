"""The real server: what it prints works, and what only a real connection shows."""

import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

START_SECONDS = 60
COMMAND = [sys.executable, "-c", "from service.cli import main; main()", "serve"]


@dataclass
class Served:
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def ask(
        self, method: str, path: str, body: bytes | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, port: int) -> dict[str, str]:
    ours = {"HOURGLASS_HOME": str(home), "HOURGLASS_PORT": str(port), "HOURGLASS_WORKERS": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOURGLASS")}
    return {**kept, **ours}


@pytest.fixture(scope="module")
def served(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    port, log = free_port(), tmp_path_factory.mktemp("serve") / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(COMMAND, env=environment(trained_home, port), stderr=stream)
    served = Served(port, log, process)
    try:
        wait_until_ready(served)
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def wait_until_ready(served: Served) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if served.ask("GET", "/readyz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(served.log.read_text())


def test_the_three_printed_lines_answer(served: Served) -> None:
    text = served.log.read_text()
    assert f"http://127.0.0.1:{served.port}/docs" in text
    lines = [shlex.split(line) for line in re.findall(r"^ +(curl .*)$", text, re.MULTILINE)]
    assert len(lines) == 3
    for words in lines:
        body = words[words.index("-d") + 1].encode() if "-d" in words else None
        url = urlsplit(words[1])
        status, _, content = served.ask("POST" if body else "GET", url.path, body)
        assert status == 200, content
        assert json.loads(content)["artifact_id"]


def test_slash_in_an_id_is_routed_from_the_raw_target(served: Served) -> None:
    status, _, content = served.ask("PUT", "/v1/items/song-4%2Fsimilar", b'{"hidden": true}')
    assert status in (200, 201)
    assert json.loads(content)["item_id"] == "song-4/similar"
    assert json.loads(served.ask("GET", "/v1/items/song-4%2Fsimilar")[2])["hidden"] is True
    assert "items" in json.loads(served.ask("GET", "/v1/items/song-4/similar")[2])
    assert served.ask("DELETE", "/v1/items/song-4%2Fsimilar")[0] == 204


@pytest.mark.parametrize(("path", "status"), [("/v1/recommendations", 413), ("/nowhere", 404)])
def test_50_mb_are_answered_with_a_problem(served: Served, path: str, status: int) -> None:
    answered, headers, content = served.ask("POST", path, bytes(50_000_000))
    assert answered == status
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(content)["status"] == status


def test_50_mb_in_chunks_are_too_large_as_well(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    chunks = (b" " * 1_000_000 for _ in range(50))
    connection.request(
        "POST", "/v1/recommendations", body=chunks, headers={"Content-Type": "application/json"}
    )
    assert connection.getresponse().status == 413
    connection.close()


def test_a_taken_port_is_said_with_the_remedy(served: Served, tmp_path: Path) -> None:
    result = subprocess.run(
        COMMAND, env=environment(tmp_path, served.port), capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    assert "HOURGLASS_PORT" in result.stderr
