"""Runs that one process carries out by itself, like `hourglass train`: alive as long as it is.

Such a run does not go on when its process died; whoever looks next says so in its row. Runs of a
worker are another matter: they go on, see `pipelines/durable.py`.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from pipelines.runs.folders import remove_files
from pipelines.runs.locks import Lock, life_of
from pipelines.storage import runs
from pipelines.storage.engine import reading, writing

INTERVAL = 1.0
"""Seconds after which a living process takes its lock again, when it was lost with the database."""


def this_process() -> str:
    """This machine and process, for people."""
    return f"process {os.getpid()} on {socket.gethostname()}"


@contextmanager
def alive(engine: Engine, run_id: str) -> Iterator[None]:
    """Be known as alive, to all that share the database. To be entered before the run's row is
    `running`, and left when it no longer is.
    """
    lock = life_of(engine, run_id)
    lock.acquire()
    done = Event()
    keeper = Thread(target=_keep, args=(lock, done), name="alive", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
        lock.release()


def _keep(lock: Lock, done: Event) -> None:
    while not done.wait(INTERVAL):
        with suppress(DBAPIError):
            if not lock.is_held():
                lock.acquire()


def record_dead(engine: Engine, home: Path) -> list[str]:
    """Say of runs whose process died that they failed, and remove their files; their ids."""
    with reading(engine) as session:
        running = runs.runs_in(session, statuses=("running",))
    dead = [run for run in running if run.process is not None and _is_dead(engine, run.run_id)]
    for run in dead:
        with writing(engine) as session:
            runs.update_running(
                session,
                run_id=run.run_id,
                status="failed",
                error=f"The process that ran it died ({run.process}). Start the run again.",
                finished_at=datetime.now(UTC),
            )
        remove_files(home, run.run_id)
    return [run.run_id for run in dead]


def _is_dead(engine: Engine, run_id: str) -> bool:
    """Whether nobody holds the lock: now, and still when a living one had taken it again."""
    if not _is_free(engine, run_id):
        return False
    time.sleep(2 * INTERVAL)
    return _is_free(engine, run_id)


def _is_free(engine: Engine, run_id: str) -> bool:
    lock = life_of(engine, run_id)
    if not lock.acquire():
        return False
    lock.release()
    return True
