"""Locks that die with their holder, however that ends: who leads, and which runs are alive.

SQLite's are locked files beside the database, PostgreSQL's advisory locks of one connection each.
"""

import fcntl
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

_LEADS = 4_683_710_216  # any number, the same in every process, not the one of `schema`
_RUN_DIGITS = 15
"""Of a run's hexadecimal id, so many make a number that PostgreSQL can lock."""
_KEEP_ALIVE = (
    "SET tcp_keepalives_idle = 20",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)
"""So that the server notices within a minute that the machine of the holder is gone."""


class Lock(ABC):
    """A lock that one process holds at a time."""

    @abstractmethod
    def acquire(self) -> bool:
        """Whether the lock is held from now on; does not wait."""

    @abstractmethod
    def is_held(self) -> bool:
        """Whether the lock, once acquired, is still held."""

    @abstractmethod
    def release(self) -> None:
        """Give it back, and leave nothing of it."""


class _FileLock(Lock):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        file = self._path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def is_held(self) -> bool:
        return True

    def release(self) -> None:
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            self._file.close()


class _AdvisoryLock(Lock):
    def __init__(self, engine: Engine, number: int) -> None:
        self._number = number
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        connection = self._engine.connect()
        for statement in _KEEP_ALIVE:
            connection.execute(text(statement))
        query = text("SELECT pg_try_advisory_lock(:lock)")
        if connection.scalar(query, {"lock": self._number}):
            self._connection = connection
            return True
        connection.close()
        return False

    def is_held(self) -> bool:
        assert self._connection is not None
        try:
            self._connection.execute(text("SELECT 1"))
        except DBAPIError:
            return False
        return True

    def release(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()  # the lock ends with the session on the server
            self._connection.close()


def leadership_of(engine: Engine) -> Lock:
    """Held by the worker that leads, of all that share a database; the others stand by."""
    if engine.dialect.name == "sqlite":
        return _FileLock(beside(engine, "-worker.lock"))
    return _AdvisoryLock(engine, _LEADS)


def life_of(engine: Engine, run_id: str) -> Lock:
    """Held by the process that carries this run out by itself."""
    if engine.dialect.name == "sqlite":
        return _FileLock(beside(engine, f"-run-{run_id}.lock"))
    return _AdvisoryLock(engine, int(run_id[:_RUN_DIGITS], 16))


def beside(engine: Engine, ending: str) -> Path:
    """A file beside that of a SQLite database, called after it."""
    database = Path(engine.url.database or "")
    return database.with_name(database.stem + ending)
