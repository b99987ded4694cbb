"""A home that was trained, a server of it, and callers who wait for it, for `benchmarks.serving`.

The commands are those of `hourglass` itself, each in a process of its own. Not the figures.
"""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.matrices import read_matrix

HOST = "127.0.0.1"
PREFIX = "HOURGLASS_"
READY_SECONDS = 120
STOP_SECONDS = 20


class ServingError(Exception):
    """Why there is nothing to measure."""


@dataclass(frozen=True)
class Home:
    """Where a run was trained; facts: its artifact, and how long that took."""

    path: Path
    facts: dict[str, Any]

    def command(self, *words: str, port: int = 8000) -> list[str]:
        """A command of `hourglass` in this home, whatever else is set."""
        unset = [part for name in ("DATABASE_URL", "STORE_URL") for part in ("-u", PREFIX + name)]
        values = {"HOME": self.path, "HOST": HOST, "PORT": port, "WORKERS": 1}
        named = [f"{PREFIX}{name}={value}" for name, value in values.items()]
        program = [sys.executable, "-c", "from service.cli import main; main()"]
        return ["env", *unset, *named, *program, *words]

    def run(self, *words: str) -> Any:
        """What the command prints as JSON. Raises ServingError with its words where it fails."""
        done = subprocess.run(self.command(*words, "--json"), capture_output=True, text=True)
        if done.returncode:
            reason = (done.stdout + done.stderr).strip()[-500:]
            raise ServingError(f"hourglass {' '.join(words)} failed: {reason}")
        return json.loads(done.stdout)


@dataclass(frozen=True)
class Answers:
    """Seconds that each answer was waited for, and those that all took together."""

    waited: list[float]
    seconds: float


def bodies_of(data: Path, n_bodies: int, *, length: int, n: int, seed: int) -> list[bytes]:
    """Requests for n items: histories of users drawn from the data, some items of each."""
    matrix = read_matrix(data)
    item_ids, x = matrix.vocabulary.item_ids, matrix.x
    rng = np.random.default_rng(seed)
    bodies = []
    for user in rng.choice(x.shape[0], size=n_bodies):
        nums = rng.permutation(x.indices[x.indptr[user] : x.indptr[user + 1]])[:length]
        bodies.append(json.dumps({"history": [item_ids[num] for num in nums], "n": n}).encode())
    return bodies


def home_of(folder: Path, data: Path, name: str, *, epochs: int, seed: int) -> Home:
    """A home in which the run was trained on the data and is live."""
    path = folder / f"home-{Path(name).stem}"
    home = Home(path, {})
    home.run("db", "upgrade")
    home.run("import", str(data))
    started = time.perf_counter()
    result = home.run("train", name, "--epochs", str(epochs), "--seed", str(seed))
    if not result["promoted"]:
        home.run("artifacts", "promote", result["artifact_id"])
    seconds = round(time.perf_counter() - started, 1)
    return Home(path, {"artifact_id": result["artifact_id"], "train_seconds": seconds})


@contextmanager
def serving(home: Home) -> Iterator["Server"]:
    """A server that is ready; stopped at the end."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    log = home.path / "serve.log"
    with log.open("wb") as written:
        process = subprocess.Popen(home.command("serve", port=port), stdout=written, stderr=written)
    try:
        server = Server(process, port, home.facts["artifact_id"])
        server.wait_until_ready(log)
        yield server
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


@dataclass(frozen=True)
class Server:
    """`hourglass serve` on a port of this machine."""

    process: subprocess.Popen[bytes]
    port: int
    artifact_id: str

    def wait_until_ready(self, log: Path) -> None:
        """Raises ServingError with the end of its log when it ended, or takes too long."""
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(OSError), closing(self.connect()) as connection:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == HTTPStatus.OK:
                    return
            time.sleep(0.2)
        raise ServingError(f"The server did not become ready: {log.read_text()[-500:]}")

    def connect(self) -> http.client.HTTPConnection:
        """A new connection."""
        return http.client.HTTPConnection(HOST, self.port, timeout=30)

    def peak_rss_mb(self) -> int:
        """Of the process that answers: the largest of the parent's children."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = tasks.read_text().split()
        peaks = [
            int(line.split()[1])
            for child in children
            for line in Path(f"/proc/{child}/status").read_text().splitlines()
            if line.startswith("VmHWM:")
        ]
        return max(peaks, default=0) // 1024


def called(
    server: Server, bodies: Sequence[bytes], *, callers: int, seconds: float, count: int
) -> Answers:
    """All that the callers were answered, until the seconds or the count are over."""
    started = time.perf_counter()
    end = started + seconds

    def call(number: int) -> list[float]:
        waited = []
        with closing(server.connect()) as connection:
            for body in islice(cycle(bodies), number, number + count // callers):
                sent = time.perf_counter()
                if sent > end:
                    break
                _post(connection, body, server.artifact_id)
                waited.append(time.perf_counter() - sent)
        return waited

    with ThreadPoolExecutor(callers) as pool:
        places = [place * len(bodies) // callers for place in range(callers)]
        waited = [each for some in pool.map(call, places) for each in some]
    return Answers(waited, time.perf_counter() - started)


def _post(connection: http.client.HTTPConnection, body: bytes, artifact_id: str) -> None:
    """Raises ServingError unless the artifact recommends."""
    connection.request("POST", "/v1/recommendations", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    if response.status != HTTPStatus.OK or json.loads(text)["artifact_id"] != artifact_id:
        raise ServingError(f"The server answered {response.status}: {text[:300]!r}")
