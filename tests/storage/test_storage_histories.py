"""Reading interactions back: pages, histories, popularity, the columns for training."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from pipelines.storage import interactions
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import (
    NewInteraction,
    history_of,
    item_ids,
    list_interactions,
    popular_items,
    read_columns,
    seen_by,
    store_interactions,
    user_ids,
    weights_of,
)
from pipelines.storage.items import update_item
from pipelines.storage.tables import UNTIMED


@pytest.fixture
def played(engine: Engine, now: datetime) -> Engine:
    """Two users: what they liked, disliked and played."""
    rows = [
        NewInteraction("u1", "i3", "like", 1.0, now),
        NewInteraction("u1", "i3", "like", 4.0, UNTIMED),
        NewInteraction("u1", "i1", "like", 2.0, UNTIMED),
        NewInteraction("u1", "i2", "like", -1.0, UNTIMED),
        NewInteraction("u1", "i4", "play", 9.0, UNTIMED),
        NewInteraction("u2", "i3", "like", 1.0, UNTIMED),
        NewInteraction("u2", "i2", "play", 1.0, UNTIMED),
    ]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=now)
    return engine


@pytest.mark.parametrize(
    ("actions", "above", "expected"),
    [
        (None, 0.0, ["i1", "i3", "i4"]),
        (None, -5.0, ["i1", "i2", "i3", "i4"]),
        (["like"], 0.0, ["i1", "i3"]),
        (["like"], 2.0, ["i3"]),
        (["like", "play"], 3.0, ["i3", "i4"]),
        ([], 0.0, []),
    ],
)
def test_history_is_distinct_sorted_and_above(
    played: Engine, actions: list[str] | None, above: float, expected: list[str]
) -> None:
    with reading(played) as session:
        assert history_of(session, user_id="u1", actions=actions, above=above) == expected


def test_unknown_user_has_no_history(played: Engine) -> None:
    with reading(played) as session:
        assert history_of(session, user_id="u9", actions=None, above=0.0) == []
        assert seen_by(session, user_id="u9") == set()
        assert list_interactions(session, user_id="u9", limit=5, after=None) == []


def test_everything_with_an_interaction_is_seen(played: Engine) -> None:
    with reading(played) as session:
        assert seen_by(session, user_id="u1") == {"i1", "i2", "i3", "i4"}


def test_popularity_counts_each_user_once(played: Engine) -> None:
    with reading(played) as session:
        ranking = popular_items(session, limit=10)
        assert popular_items(session, limit=1) == ranking[:1]
    assert ranking == [("i2", 2), ("i3", 2), ("i1", 1), ("i4", 1)]


def test_hidden_items_are_not_popular(played: Engine, now: datetime) -> None:
    with writing(played) as session:
        update_item(session, item_id="i2", changes={"hidden": True}, now=now)
        assert popular_items(session, limit=2) == [("i3", 2), ("i1", 1)]


def test_newest_interactions_come_first(played: Engine, now: datetime) -> None:
    with reading(played) as session:
        rows = list_interactions(session, user_id="u1", limit=10, after=None)
    assert [(row.item_id, row.occurred_at) for row in rows] == [
        ("i3", now),
        ("i1", UNTIMED),
        ("i2", UNTIMED),
        ("i3", UNTIMED),
        ("i4", UNTIMED),
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    keys=st.sets(
        st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.sampled_from(["like", "play"])),
        max_size=24,
    ),
    limit=st.integers(1, 5),
)
def test_pages_have_no_gaps_and_no_repeats(
    engine: Engine, now: datetime, keys: set[tuple[int, str, str]], limit: int
) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM interactions")
        connection.commit()
    rows = [
        NewInteraction("u1", item_id, action, 1.0, UNTIMED + timedelta(hours=hour))
        for hour, item_id, action in keys
    ]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=now)
    paged: list[NewInteraction] = []
    after = None
    with reading(engine) as session:
        while page := list_interactions(session, user_id="u1", limit=limit, after=after):
            paged += page
            after = (page[-1].occurred_at, page[-1].item_id, page[-1].action)
    assert paged == sorted(rows, key=lambda row: (UNTIMED - row.occurred_at, *row[1:3]))


def columns(engine: Engine, actions: list[str] | None, above: float) -> list[list[object]]:
    """The chunks of `read_columns` with ids in place of keys."""
    with reading(engine) as session:
        users, items = user_ids(session), item_ids(session)
        return [
            [(users[user], items[item], weight) for user, item, weight in chunk]
            for chunk in read_columns(session, actions=actions, above=above)
        ]


def test_columns_for_training_are_ordered_and_filtered(played: Engine) -> None:
    [rows] = columns(played, ["like"], 0.0)
    assert rows == [("u1", "i1", 2.0), ("u1", "i3", 4.0), ("u1", "i3", 1.0), ("u2", "i3", 1.0)]
    assert columns(played, ["view"], 0.0) == []
    assert len(columns(played, None, -9.0)[0]) == 7


def test_columns_for_training_come_in_chunks(
    played: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    [whole] = columns(played, None, -9.0)
    monkeypatch.setattr(interactions, "CHUNK_ROWS", 3)
    chunks = columns(played, None, -9.0)
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert sum(chunks, []) == whole


def test_rows_for_training_are_plain_tuples(played: Engine) -> None:
    with reading(played) as session:
        chunk = next(read_columns(session, actions=None, above=0.0))
    assert {type(row) for row in chunk} == {tuple}
    assert [type(value) for value in chunk[0]] == [int, int, float]


def test_weights_of_an_item_come_from_old_to_new(played: Engine) -> None:
    with reading(played) as session:
        weights = weights_of(session, user_id="u1", actions=["like"], above=0.0)
        assert weights == {"i1": [2.0], "i3": [4.0, 1.0]}
        assert weights_of(session, user_id="u9", actions=None, above=0.0) == {}
