"""Connections and transactions."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from pipelines.storage.engine import begin_writing, create_engine, reading, writing
from pipelines.storage.tables import Embedding
from pipelines.storage.users import get_user, list_users, put_user, update_user


def pragma(engine: Engine, name: str) -> object:
    with reading(engine) as session:
        return session.scalar(text(f"PRAGMA {name}"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("busy_timeout", 30_000), ("foreign_keys", 1), ("synchronous", 1)],
)
def test_every_sqlite_connection_is_set_up(sqlite_engine: Engine, name: str, value: object) -> None:
    with ThreadPoolExecutor(3) as pool:
        barrier = Barrier(3)  # three connections at the same time, so none is used again

        def ask(_: int) -> object:
            with reading(sqlite_engine) as session:
                barrier.wait(10)
                return session.scalar(text(f"PRAGMA {name}"))

        assert list(pool.map(ask, range(3))) == [value] * 3


def test_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/a/b/c.db")
    assert pragma(engine, "journal_mode") == "wal"
    engine.dispose()
    assert (tmp_path / "a/b/c.db").is_file()


def test_writing_stores_at_the_end(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        put_user(session, user_id="u1", attributes={}, now=now)
    with reading(engine) as session:
        assert get_user(session, user_id="u1") is not None


def test_writer_that_fails_leaves_nothing(engine: Engine, now: datetime) -> None:
    def write_and_fail() -> None:
        with writing(engine) as session:
            put_user(session, user_id="u1", attributes={}, now=now)
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        write_and_fail()
    with reading(engine) as session:
        assert list_users(session, limit=10, after=None) == []


def test_what_is_read_can_be_used_after_the_session(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        put_user(session, user_id="u1", attributes={"age": 7}, now=now)
        user = get_user(session, user_id="u1")
    assert user is not None
    assert (user.user_id, user.attributes) == ("u1", {"age": 7})


def test_reader_sees_one_moment(engine: Engine, now: datetime) -> None:
    with reading(engine) as reader:
        assert list_users(reader, limit=10, after=None) == []
        with writing(engine) as writer:
            put_user(writer, user_id="u1", attributes={}, now=now)
        assert list_users(reader, limit=10, after=None) == []


def test_what_is_written_while_reading_is_not_stored(engine: Engine, now: datetime) -> None:
    try:
        with reading(engine) as session:
            put_user(session, user_id="u1", attributes={}, now=now)
    except DBAPIError:
        assert engine.dialect.name == "postgresql"  # it refuses at once
    with reading(engine) as session:
        assert get_user(session, user_id="u1") is None


def test_writers_who_read_first_take_turns(sqlite_engine: Engine, now: datetime) -> None:
    """With a plain BEGIN the second writer gets "database is locked", whatever the timeout."""
    with writing(sqlite_engine) as session:
        put_user(session, user_id="u1", attributes={"n": 0}, now=now)

    def count_up(_: int) -> None:
        for _ in range(20):
            with writing(sqlite_engine) as session:
                user = get_user(session, user_id="u1")
                assert user is not None
                changes = {"attributes": {"n": user.attributes["n"] + 1}}
                update_user(session, user_id="u1", changes=changes, now=now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(4)))
    with reading(sqlite_engine) as session:
        user = get_user(session, user_id="u1")
    assert user is not None
    assert user.attributes == {"n": 80}


def test_bare_connection_begins_as_a_writer(sqlite_engine: Engine) -> None:
    with sqlite_engine.connect() as holder, sqlite_engine.connect() as second:
        begin_writing(holder)
        second.connection.driver_connection.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(DBAPIError, match="database is locked"):
            begin_writing(second)


def test_foreign_keys_are_enforced(engine: Engine) -> None:
    def add_orphan() -> None:
        with writing(engine) as session:
            session.add(Embedding(artifact_key=1, item_key=1, vector=b""))

    with pytest.raises(IntegrityError):
        add_orphan()
