"""Users."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import (
    NewInteraction,
    count_interactions,
    store_interactions,
)
from pipelines.storage.tables import UNTIMED
from pipelines.storage.users import (
    delete_user,
    get_user,
    list_users,
    put_user,
    update_user,
    user_keys,
)

ODD_IDS = ["a/similar", "it's", 'say "hi"', "😀 emoji", "naïve", "%2F", "a\\b", "{a,b}", "x" * 256]


def put(engine: Engine, ids: list[str], now: datetime) -> None:
    with writing(engine) as session:
        for user_id in ids:
            put_user(session, user_id=user_id, attributes={}, now=now)


def test_put_creates_and_then_overwrites(engine: Engine, now: datetime) -> None:
    later = now + timedelta(days=1)
    with writing(engine) as session:
        assert put_user(session, user_id="u1", attributes={"age": 7, "x": None}, now=now)
        assert not put_user(session, user_id="u1", attributes={"name": "Ada"}, now=later)
        user = get_user(session, user_id="u1")
    assert user is not None
    assert user.attributes == {"name": "Ada"}
    assert (user.created_at, user.updated_at) == (now, later)


def test_unknown_user_is_none(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        assert get_user(session, user_id="u1") is None
        assert update_user(session, user_id="u1", changes={"attributes": {}}, now=now) is None
        assert not delete_user(session, user_id="u1")


def test_update_returns_the_user_as_it_is_now(engine: Engine, now: datetime) -> None:
    put(engine, ["u1"], now)
    later = now + timedelta(seconds=1)
    with writing(engine) as session:
        before = get_user(session, user_id="u1")
        after = update_user(session, user_id="u1", changes={"attributes": {"a": [1]}}, now=later)
    assert before is after
    assert after is not None
    assert (after.attributes, after.created_at, after.updated_at) == ({"a": [1]}, now, later)


def test_update_without_changes_only_touches(engine: Engine, now: datetime) -> None:
    put(engine, ["u1"], now)
    later = now + timedelta(seconds=1)
    with writing(engine) as session:
        user = update_user(session, user_id="u1", changes={}, now=later)
    assert user is not None
    assert (user.attributes, user.updated_at) == ({}, later)


def test_deleting_a_user_deletes_its_interactions(engine: Engine, now: datetime) -> None:
    rows = [NewInteraction(user_id, "i1", "like", 1.0, UNTIMED) for user_id in ("u1", "u2")]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=now)
        assert delete_user(session, user_id="u1")
        assert count_interactions(session) == 1
        assert get_user(session, user_id="u1") is None


@pytest.mark.parametrize("user_id", ODD_IDS)
def test_odd_id_is_kept_exactly(engine: Engine, user_id: str, now: datetime) -> None:
    with writing(engine) as session:
        keys = user_keys(session, user_ids=[user_id, "other"], now=now)
        user = get_user(session, user_id=user_id)
    assert user is not None
    assert keys[user_id] == user.user_key
    assert set(keys) == {user_id, "other"}


def test_ids_sort_by_code_point_on_both_databases(engine: Engine, now: datetime) -> None:
    ids = ["b", "B", "a", "é", "z", "10", "9", "😀", "_", "\ufffd"]
    put(engine, ids, now)
    with reading(engine) as session:
        users = list_users(session, limit=100, after=None)
    assert [user.user_id for user in users] == sorted(ids)


IDS = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(ids=st.sets(IDS, max_size=30), limit=st.integers(1, 7))
def test_pages_have_no_gaps_and_no_repeats(
    engine: Engine, now: datetime, ids: set[str], limit: int
) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM users")
        connection.commit()
    put(engine, sorted(ids, key=hash), now)
    pages: list[str] = []
    with reading(engine) as session:
        while page := list_users(session, limit=limit, after=pages[-1] if pages else None):
            assert len(page) <= limit
            pages += [user.user_id for user in page]
    assert pages == sorted(ids)
