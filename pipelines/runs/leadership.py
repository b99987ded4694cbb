"""Which worker leads: one at a time of all that share a database. The others stand by.

The lock dies with its holder, however that ends: SQLite's is a locked file beside the database,
PostgreSQL's an advisory lock of one connection.
"""

import fcntl
from abc import ABC, abstractmethod
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

_LOCK = 4_683_710_216  # any number, the same in every process, not the one of `schema`
_KEEP_ALIVE = (
    "SET tcp_keepalives_idle = 20",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)
"""So that the server notices within a minute that the machine of the leader is gone."""


class Leadership(ABC):
    """The one lock of a database."""

    @abstractmethod
    def acquire(self) -> bool:
        """Whether the lock is held from now on; does not wait."""

    @abstractmethod
    def is_held(self) -> bool:
        """Whether the lock, once acquired, is still held."""


class _FileLock(Leadership):
    def __init__(self, path: Path) -> None:
        self._file = path.open("w")

    def acquire(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def is_held(self) -> bool:
        return True


class _AdvisoryLock(Leadership):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        connection = self._engine.connect()
        for statement in _KEEP_ALIVE:
            connection.execute(text(statement))
        query = text("SELECT pg_try_advisory_lock(:lock)")
        if connection.scalar(query, {"lock": _LOCK}):
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


def leadership_of(engine: Engine) -> Leadership:
    """The lock of the database that the engine is for."""
    if engine.dialect.name == "sqlite":
        return _FileLock(beside(engine, "-worker.lock"))
    return _AdvisoryLock(engine)


def beside(engine: Engine, ending: str) -> Path:
    """A file beside that of a SQLite database, called after it."""
    database = Path(engine.url.database or "")
    return database.with_name(database.stem + ending)
