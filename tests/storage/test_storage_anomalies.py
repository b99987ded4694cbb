"""What was found strange: replaced, labelled, ranked, page by page."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import Engine, update

from pipelines.storage.anomalies import (
    ALL,
    UNLABELLED,
    WATCH,
    AnomalyFilter,
    NewAnomaly,
    StoredAnomaly,
    forget_finder,
    get_anomaly,
    list_anomalies,
    replace_anomalies,
)
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.tables import UNTIMED
from pipelines.storage.users import delete_user
from pipelines.storage.watch_tables import Anomaly


def user(name: str, p_value: float, score: float = 1.0) -> NewAnomaly:
    reasons = [{"item_id": "i1", "contribution": score}]
    return NewAnomaly((name,), score, p_value, p_value < 0.05, reasons, user_id=name)


def put(
    engine: Engine,
    found: Sequence[NewAnomaly],
    now: datetime,
    *,
    subject: str = "user",
    finder: str = WATCH,
    source: str = "a1",
) -> int:
    with writing(engine) as session:
        return replace_anomalies(
            session,
            finder=finder,
            subject=subject,
            source=source,
            found=found,
            run_id="r1",
            now=now,
        )


def found(
    engine: Engine,
    wanted: AnomalyFilter = ALL,
    *,
    limit: int = 100,
    after: tuple[float, float, str] | None = None,
) -> list[StoredAnomaly]:
    with reading(engine) as session:
        return list_anomalies(session, limit=limit, after=after, wanted=wanted)


def label(engine: Engine, anomaly_id: str, now: datetime) -> None:
    with writing(engine) as session:
        statement = update(Anomaly).where(Anomaly.anomaly_id == anomaly_id)
        session.execute(statement.values(label="right", labelled_at=now))


@pytest.fixture
def people(engine: Engine, now: datetime) -> list[str]:
    names = [f"u{num}" for num in range(4)]
    rows = [NewInteraction(name, "i1", "like", 1.0, UNTIMED) for name in names]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=now)
    return names


def test_findings_come_by_p_value_and_then_the_highest_score(
    engine: Engine, now: datetime, people: list[str]
) -> None:
    scores = [(0.5, 1.0), (0.01, 0.1), (0.01, 0.3), (0.01, 0.1 + 0.2)]
    put(engine, [user(n, *figures) for n, figures in zip(people, scores, strict=True)], now)
    ranked = found(engine)
    assert [row.user_id for row in ranked] == ["u3", "u2", "u1", "u0"]
    assert ranked[-1].contributions == [{"item_id": "i1", "contribution": 1.0}]
    pages = []
    after = None
    while rows := found(engine, limit=1, after=after):
        pages += rows
        after = (rows[0].p_value, rows[0].score, rows[0].anomaly_id)
    assert pages == ranked


def test_the_next_look_replaces_what_was_found_but_for_labels(
    engine: Engine, now: datetime, people: list[str]
) -> None:
    put(engine, [user("u0", 0.01), user("u1", 0.02), user("u2", 0.03)], now)
    ids = {row.user_id: row.anomaly_id for row in found(engine)}
    label(engine, ids["u0"], now)
    label(engine, ids["u1"], now)
    put(engine, [user("u1", 0.2), user("u3", 0.3)], now, source="a2")
    rows = {row.user_id: row for row in found(engine)}
    assert set(rows) == {"u0", "u1", "u3"}
    assert (rows["u1"].anomaly_id, rows["u1"].label) == (ids["u1"], "right")
    assert (rows["u1"].p_value, rows["u1"].source) == (0.2, "a2")
    assert (rows["u0"].p_value, rows["u0"].source) == (0.01, "a1")
    assert put(engine, [], now) == 0
    assert {row.user_id for row in found(engine)} == {"u0", "u1"}


def test_finders_and_subjects_leave_each_other_alone(
    engine: Engine, now: datetime, people: list[str]
) -> None:
    item = NewAnomaly(("i1",), 1.0, 0.1, False, item_id="i1")
    put(engine, [user("u0", 0.01)], now)
    put(engine, [item], now, subject="item")
    put(engine, [user("u0", 0.02)], now, finder="d1", source="d1")
    put(engine, [], now)
    assert [(row.finder, row.subject) for row in found(engine)] == [("d1", "user"), (WATCH, "item")]
    with writing(engine) as session:
        forget_finder(session, finder="d1")
    assert [row.item_id for row in found(engine)] == ["i1"]


def test_findings_are_filtered(engine: Engine, now: datetime, people: list[str]) -> None:
    group = NewAnomaly(("u1", "u2"), 3.0, 0.2, True, place={"user_ids": ["u1", "u2"]})
    put(engine, [user("u0", 0.01), user("u1", 0.5)], now)
    put(engine, [group], now, subject="group", source="groups")
    [first, *_] = found(engine)
    label(engine, first.anomaly_id, now)
    assert [row.user_id for row in found(engine, AnomalyFilter(label="right"))] == ["u0"]
    assert len(found(engine, AnomalyFilter(label=UNLABELLED))) == 2
    assert [row.user_id for row in found(engine, AnomalyFilter(user_id="u1"))] == ["u1"]
    [only] = found(engine, AnomalyFilter(source="groups", max_p_value=0.2, is_anomaly=True))
    assert only.place == {"user_ids": ["u1", "u2"]}
    assert found(engine, AnomalyFilter(subject="item")) == []


def test_who_is_gone_is_not_found(engine: Engine, now: datetime, people: list[str]) -> None:
    assert put(engine, [user("u0", 0.1), user("nobody", 0.1)], now) == 1
    [row] = found(engine)
    with writing(engine) as session:
        delete_user(session, user_id="u0")
    assert found(engine) == []
    with reading(engine) as session:
        assert get_anomaly(session, anomaly_id=row.anomaly_id) is None


def test_two_who_replace_the_same_take_turns(
    engine: Engine, now: datetime, people: list[str]
) -> None:
    one, other = ([user(name, 0.1) for name in names] for names in (people[:3], people[:0:-1]))

    def look(turn: int) -> int:
        return put(engine, other if turn % 2 else one, now)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(look, range(24))) == [3] * 24
    assert {row.user_id for row in found(engine)} in ({"u0", "u1", "u2"}, {"u1", "u2", "u3"})
