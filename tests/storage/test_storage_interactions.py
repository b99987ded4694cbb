"""Storing interactions."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from pipelines.storage.bulk import Stored
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import (
    NewInteraction,
    count_interactions,
    item_ids,
    last_occurred_at,
    list_interactions,
    read_columns,
    store_interactions,
    user_ids,
)
from pipelines.storage.items import get_item
from pipelines.storage.tables import UNTIMED, microseconds
from pipelines.storage.users import get_user


def like(
    user_id: str, item_id: str, weight: float = 1.0, occurred_at: datetime = UNTIMED
) -> NewInteraction:
    return NewInteraction(user_id, item_id, "like", weight, occurred_at)


def store(engine: Engine, rows: list[NewInteraction], now: datetime) -> Stored:
    with writing(engine) as session:
        return store_interactions(session, rows=rows, now=now)


def stored_of(engine: Engine, user_id: str) -> list[NewInteraction]:
    with reading(engine) as session:
        return list_interactions(session, user_id=user_id, limit=1000, after=None)


def test_unknown_users_and_items_are_created(engine: Engine, now: datetime) -> None:
    assert store(engine, [like("u1", "i1")], now) == Stored(new=1, repeated=0, replaced=0)
    with reading(engine) as session:
        user, item = get_user(session, user_id="u1"), get_item(session, item_id="i1")
    assert user is not None
    assert (user.attributes, user.created_at, user.updated_at) == ({}, now, now)
    assert item is not None
    assert (item.title, item.categories, item.attributes, item.hidden) == (None, [], {}, False)


def test_same_interaction_twice_changes_nothing(engine: Engine, now: datetime) -> None:
    rows = [like("u1", "i1"), like("u1", "i2", 2.5, now), like("u2", "i1")]
    assert store(engine, rows, now) == Stored(new=3, repeated=0, replaced=0)
    before = stored_of(engine, "u1")
    assert store(engine, rows, now) == Stored(new=0, repeated=3, replaced=0)
    assert stored_of(engine, "u1") == before


def test_other_weight_replaces(engine: Engine, now: datetime) -> None:
    store(engine, [like("u1", "i1", 1.0), like("u1", "i2", 1.0)], now)
    rows = [like("u1", "i1", 0.1), like("u1", "i2", 1.0), like("u1", "i3")]
    assert store(engine, rows, now) == Stored(new=1, repeated=1, replaced=1)
    assert [row.weight for row in stored_of(engine, "u1")] == [0.1, 1.0, 1.0]


def test_action_and_moment_are_part_of_the_key(engine: Engine, now: datetime) -> None:
    play = NewInteraction("u1", "i1", "play", 1.0, UNTIMED)
    later = now + timedelta(microseconds=1)
    rows = [like("u1", "i1"), play, like("u1", "i1", 1.0, now), like("u1", "i1", 1.0, later)]
    assert store(engine, rows, now) == Stored(new=4, repeated=0, replaced=0)


def test_last_of_one_key_in_a_call_holds(engine: Engine, now: datetime) -> None:
    rows = [like("u1", "i1", weight) for weight in (1.0, 2.0, 3.0)]
    assert store(engine, rows, now) == Stored(new=1, repeated=2, replaced=0)
    assert [row.weight for row in stored_of(engine, "u1")] == [3.0]


def test_whole_numbers_are_weights_too(engine: Engine, now: datetime) -> None:
    assert store(engine, [like("u1", "i1", 2), like("u1", "i2", 0.5)], now).new == 2
    assert [row.weight for row in stored_of(engine, "u1")] == [2.0, 0.5]


def test_no_rows_are_no_work(engine: Engine, now: datetime) -> None:
    assert store(engine, [], now) == Stored(new=0, repeated=0, replaced=0)


def test_naive_time_is_refused_and_nothing_is_stored(engine: Engine, now: datetime) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the point of the test
    with pytest.raises(ValueError, match="no time zone"):
        store(engine, [like("u1", "i1"), like("u1", "i2", 1.0, naive)], now)
    assert stored_of(engine, "u1") == []


@pytest.mark.parametrize("text", ["a/b", "it's", '"q"', "😀", "a\\'b", "{1,2}", "NULL", "日本"])
def test_odd_ids_and_actions_are_kept_exactly(engine: Engine, text: str, now: datetime) -> None:
    row = NewInteraction(text, text, text, 0.1 + 0.2, now)
    store(engine, [row], now)
    assert stored_of(engine, text) == [row]
    assert store(engine, [row], now).repeated == 1


def test_a_hundred_thousand_rows_in_one_call(engine: Engine, now: datetime) -> None:
    rows = [like(f"u{n % 600}", f"i{n % 7001}", n / 7) for n in range(100_000)]
    assert store(engine, rows, now) == Stored(new=100_000, repeated=0, replaced=0)
    changed = [row._replace(weight=-1.0) for row in rows[:1000]] + rows[1000:]
    assert store(engine, changed, now) == Stored(new=0, repeated=99_000, replaced=1000)
    with reading(engine) as session:
        users, items = user_ids(session), item_ids(session)
        chunks = read_columns(session, actions=None, above=float("-inf"))
        read = {(users[u], items[i]): weight for chunk in chunks for u, i, weight in chunk}
        assert count_interactions(session) == 100_000
    assert read == {(row.user_id, row.item_id): row.weight for row in changed}


NAMES = st.sampled_from(["a", "b", "c", "ü"])
ROWS = st.lists(
    st.builds(
        NewInteraction,
        NAMES,
        NAMES,
        st.sampled_from(["like", "play"]),
        st.floats(-1e300, 1e300),
        st.sampled_from([UNTIMED, UNTIMED + timedelta(days=20_000, microseconds=1)]),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(calls=st.lists(ROWS, max_size=4))
def test_storing_is_what_a_dictionary_does(
    engine: Engine, now: datetime, calls: list[list[NewInteraction]]
) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM interactions")
        connection.commit()
    expected: dict[tuple[str, str, str, int], float] = {}
    for rows in calls:
        sent = {(*row[:3], microseconds(row.occurred_at)): row.weight for row in rows}
        new = len(sent.keys() - expected.keys())
        replaced = sum(weight != expected.get(key, weight) for key, weight in sent.items())
        expected |= sent
        assert store(engine, rows, now) == Stored(new, len(rows) - new - replaced, replaced)
    rows = [row for name in "abcü" for row in stored_of(engine, name)]
    assert {(*row[:3], microseconds(row.occurred_at)): row.weight for row in rows} == expected


def test_writers_of_the_same_rows_do_not_block_each_other(engine: Engine, now: datetime) -> None:
    rows = [like(f"u{n % 17}", f"i{n}") for n in range(500)]

    def send(number: int) -> Stored:
        mine = rows if number % 2 else rows[::-1]
        return store(engine, [row._replace(weight=number) for row in mine], now)

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(send, range(6)))
    assert sum(result.new for result in results) == 500
    assert sum(result.replaced for result in results) == 2500


def test_last_occurred_at_leaves_out_the_untimed(engine: Engine, now: datetime) -> None:
    store(engine, [like("u1", "i1")], now)
    with reading(engine) as session:
        assert last_occurred_at(session) is None
    store(engine, [like("u1", "i1", 1.0, now), like("u1", "i2", 1.0, UNTIMED)], now)
    with reading(engine) as session:
        assert last_occurred_at(session) == now
