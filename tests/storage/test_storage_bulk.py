"""Many rows at once: foreign keys that are known to hold, and rows read back in the same order."""

from datetime import datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from pipelines.storage import bulk
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import (
    NewInteraction,
    count_interactions,
    interactions_between,
    iterate_interactions,
    read_columns,
    store_interactions,
)
from pipelines.storage.tables import UNTIMED

MANY = [
    NewInteraction(f"u{num % 7}", f"i{num}", "like", float(num), UNTIMED) for num in range(12_000)
]
DANGLING = text("INSERT INTO interactions VALUES (-1, -1, 'like', 0, 1.0)")


@pytest.mark.parametrize("may_skip", ["true", "false"])
def test_many_rows_are_stored_with_and_without_the_right_to_skip_checks(
    engine: Engine, now: datetime, monkeypatch: pytest.MonkeyPatch, may_skip: str
) -> None:
    monkeypatch.setattr(bulk, "_MAY_SKIP_CHECKS", f"SELECT {may_skip}")
    with writing(engine) as session:
        assert store_interactions(session, rows=MANY, now=now).new == len(MANY)
    with writing(engine) as session:
        assert store_interactions(session, rows=MANY[::-1], now=now).repeated == len(MANY)


def test_foreign_keys_are_checked_again_in_the_same_transaction(
    engine: Engine, now: datetime
) -> None:
    def store_and_refer_to_nobody() -> None:
        with writing(engine) as session:
            store_interactions(session, rows=MANY, now=now)
            session.execute(DANGLING)

    with pytest.raises(IntegrityError):
        store_and_refer_to_nobody()
    with reading(engine) as session:
        assert count_interactions(session) == 0


def test_every_row_comes_back_from_the_first_to_the_last(
    engine: Engine, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.storage.interactions.CHUNK_ROWS", 5_000)
    with writing(engine) as session:
        store_interactions(session, rows=MANY, now=now)
    with reading(engine) as session:
        exported = [row for rows in iterate_interactions(session) for row in rows]
        trained = [row for rows in read_columns(session, actions=None, above=-1.0) for row in rows]
    assert sorted(exported) == sorted(MANY)
    assert sorted(weight for *_, weight in trained) == [row.weight for row in MANY]


def test_interactions_between_two_users_are_those_of_all_users_from_one_to_the_other(
    engine: Engine, now: datetime
) -> None:
    users = ["A", "a", "a/b", "b", "é", "👍"]
    rows = [NewInteraction(user_id, "item", "like", 1.0, UNTIMED) for user_id in users]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=now)
    with reading(engine) as session:
        found = interactions_between(session, first_id="a", last_id="é")
    assert found == [(user_id, "item", "like", 1.0) for user_id in users[1:5]]
