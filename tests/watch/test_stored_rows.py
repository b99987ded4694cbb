"""What is stored as rows of numbers, on both databases: of all, or of some by their ids."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import torch
from sqlalchemy import Engine

from pipelines.errors import NotReady
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.tables import UNTIMED
from pipelines.watch import stored_rows
from pipelines.watch.row_table import RowTable
from pipelines.watch.stored_rows import drawn, stored_table

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def stored(engine: Engine, now: datetime) -> Engine:
    """anna played a and b on Monday and a again on Thursday; seven others had a, no time known."""
    rows = [
        NewInteraction("anna", "a", "play", 1.0, MONDAY),
        NewInteraction("anna", "b", "play", 1.0, MONDAY + timedelta(hours=1)),
        NewInteraction("anna", "a", "play", 4.0, MONDAY + timedelta(days=3)),
        *(NewInteraction(f"other {num}", "a", "like", 1.0, UNTIMED) for num in range(7)),
    ]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=now)
    return engine


def row_of(table: RowTable, which: str) -> dict[str, float]:
    assert table.ids is not None
    num = table.ids.index(which)
    return {name: float(column[num]) for name, column in table.columns.items()}


def test_a_user_is_what_the_interactions_are_like(stored: Engine) -> None:
    with reading(stored) as session:
        table = stored_table(session, "users")
    assert table.ids == ("anna", *(f"other {num}" for num in range(7)))
    assert row_of(table, "anna") == pytest.approx(
        {
            "log_items": np.log1p(2),
            "repeats": 1.5,
            "mean_log_audience": (np.log1p(8) + np.log1p(1)) / 2,
            "share_rare_items": 0.5,
            "mean_weight": 2.0,
            "weight_deviation": np.sqrt(2),
            "log_days": np.log1p(3),
            "share_busiest_day": 2 / 3,
        }
    )
    other = row_of(table, "other 3")
    assert np.isnan([other["log_days"], other["share_busiest_day"]]).all()
    assert other["log_items"] == pytest.approx(np.log1p(1))


def test_an_item_is_what_its_audience_is_like(stored: Engine) -> None:
    with reading(stored) as session:
        row = row_of(stored_table(session, "items"), "a")
    assert row["log_users"] == pytest.approx(np.log1p(8))
    assert row["mean_log_history"] == pytest.approx((np.log1p(2) + 7 * np.log1p(1)) / 8)
    assert (row["share_short_histories"], row["repeats"]) == (1.0, 9 / 8)


def test_some_by_their_ids_are_as_among_all_and_unknown_ones_problems(stored: Engine) -> None:
    with reading(stored) as session:
        some = stored_table(session, "users", ids=["other 1", "nobody", "anna"])
        everyone = stored_table(session, "users")
    assert (some.ids, some.numbers.tolist()) == (("other 1", "anna"), [0, 2])
    assert row_of(some, "anna") == row_of(everyone, "anna")
    assert [(each.row, each.detail) for each in some.problems] == [
        (1, "There is no interaction of user 'nobody'.")
    ]


def test_nothing_stored_is_said_with_the_remedy(engine: Engine) -> None:
    for over in ("users", "items", "images"):
        with reading(engine) as session, pytest.raises(NotReady, match="hourglass import"):
            stored_table(session, over)


def test_of_many_rows_some_are_drawn_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_rows, "MAX_FITTED", 3)
    table = RowTable({"x": np.arange(9.0)}, np.arange(9))
    first, again, other = (
        drawn(table, "table", generator=torch.Generator().manual_seed(seed)).columns["x"]
        for seed in (1, 1, 2)
    )
    assert len(first) == 3
    assert list(first) == list(again) != list(other)
