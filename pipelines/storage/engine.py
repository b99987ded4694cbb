"""Connections and transactions. The one place that knows how SQLite must be set up.

The caller decides what belongs together: all inside one `writing` block is stored, or nothing is.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

BUSY_SECONDS: Final = 30
AWAY: Final = (OperationalError, InterfaceError)
"""What a database raises that does not answer, or is busy for too long."""
_BEGIN: Final = "hourglass_begin"

_SQLITE_PRAGMAS: Final = (
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -32768",  # KiB, taken as needed; with 2 MB, large imports read pages twice
)


def create_engine(url: str) -> Engine:
    """An engine for a SQLite file (its folder is made) or a PostgreSQL database."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(parsed, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sqlalchemy.create_engine(parsed)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees the database as it is at its first query, and changes nothing."""
    with Session(engine, expire_on_commit=False) as session:
        session.connection(execution_options=_reading_options(engine))
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session that is committed at the end, and rolled back on any exception.

    On SQLite it waits here for other writers, so that reading first and then writing cannot fail.
    """
    with Session(engine, expire_on_commit=False) as session, session.begin():
        session.connection(execution_options={_BEGIN: "BEGIN IMMEDIATE"})
        yield session


def begin_writing(connection: Connection) -> None:
    """Begin on a bare connection what `writing` begins on a session; the caller commits."""
    connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}).begin()


def _reading_options(engine: Engine) -> dict[str, Any]:
    if engine.dialect.name == "sqlite":
        return {}  # a deferred SQLite transaction already sees one moment
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _set_up_sqlite(dbapi_connection: Any, _record: Any) -> None:
    # The driver would open transactions late and by its own rules; `_begin_sqlite` does it instead.
    dbapi_connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        dbapi_connection.execute(pragma)
    _use_write_ahead_log(dbapi_connection)


def _use_write_ahead_log(dbapi_connection: Any) -> None:
    # The switch does not heed the busy timeout: two processes that open a new file would collide.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            dbapi_connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
