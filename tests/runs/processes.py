"""Real workers in processes of their own, and the runs that they carry out."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine

from pipelines.runs.requests import request_run
from pipelines.storage.engine import reading, writing
from pipelines.storage.runs import get_run
from pipelines.storage.tables import Run
from pipelines.training.run_config import RunConfig, named_run, run_config_of

PATIENCE = 120.0
"""Seconds after which what was waited for is taken not to come."""

T = TypeVar("T")


def small_run(*, seed: int = 42, epochs: int = 30) -> RunConfig:
    values = named_run("denoising").values()
    values["network"].update({"hidden_dims": [16], "latent_dim": 8})
    values["fit"].update(
        {"epochs": epochs, "patience": epochs, "learning_rate": 0.01, "batch_size": 20}
    )
    return run_config_of({**values, "seed": seed})


def queue(engine: Engine, config: RunConfig) -> str:
    with writing(engine) as session:
        return request_run(session, config, now=datetime.now(UTC)).run_id


def run_of(engine: Engine, run_id: str) -> Run:
    with reading(engine) as session:
        run = get_run(session, run_id=run_id)
    assert run is not None
    return run


def hourglass(*arguments: str) -> list[str]:
    """The command line, as this Python finds it."""
    return [sys.executable, "-c", "from service.cli import main; main()", *arguments]


def environment(home: Path, database_url: str) -> dict[str, str]:
    """Of a process that is to know this home and database, and nothing of ours."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("HOURGLASS")}
    ours = {"HOURGLASS_HOME": str(home), "HOURGLASS_DATABASE_URL": database_url}
    return {**kept, **ours, "OMP_NUM_THREADS": "1"}


def until(look: Callable[[], T | None], *, process: "subprocess.Popen[bytes]") -> T:
    """What `look` finds at last, as long as the process lives."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"it did not come; the process ended with {process.poll()}")


class WorkerProcess:
    """A `hourglass worker`; its log goes to a file."""

    def __init__(self, home: Path, database_url: str, log: Path) -> None:
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                hourglass("worker"), env=environment(home, database_url), stderr=stream
            )

    def until(self, look: Callable[[], T | None]) -> T:
        """What `look` finds at last."""
        try:
            return until(look, process=self.process)
        except AssertionError as error:
            raise AssertionError(f"{error}; the worker wrote:\n{self.log.read_text()}") from None

    def until_logged(self, text: str, times: int = 1) -> None:
        self.until(lambda: self.log.read_text().count(text) >= times)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@contextmanager
def working(home: Path, database_url: str, log: Path) -> Iterator[WorkerProcess]:
    """A worker that is killed at the end at the latest."""
    worker = WorkerProcess(home, database_url, log)
    try:
        yield worker
    finally:
        worker.kill()
