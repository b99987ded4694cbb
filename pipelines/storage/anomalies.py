"""Anomalies: what was found strange. Not how it is found, nor what a label does.

Who finds replaces its own earlier findings of a subject; those that a person labelled stay.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, delete, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from pipelines.storage.bulk import insert_into, take_turns, values_of
from pipelines.storage.tables import Item, User
from pipelines.storage.watch_tables import Anomaly

WATCH: Final = "watch"
"""The finder that looks at users, items, interactions, images, groups and windows."""
UNLABELLED: Final = "none"
"""The label to filter by where there is none."""


@dataclass(frozen=True)
class NewAnomaly:
    """One finding. `what` tells it apart from the others of its finder and subject."""

    what: tuple[str, ...]
    score: float
    p_value: float
    is_anomaly: bool
    contributions: Sequence[Mapping[str, Any]] = ()
    user_id: str | None = None
    item_id: str | None = None
    place: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class StoredAnomaly:
    """A finding with the ids that callers know."""

    anomaly_id: str
    subject: str
    finder: str
    source: str
    user_id: str | None
    item_id: str | None
    place: dict[str, Any] | None
    score: float
    p_value: float
    is_anomaly: bool
    contributions: list[dict[str, Any]]
    run_id: str | None
    found_at: datetime
    label: str | None
    labelled_at: datetime | None
    note: str | None
    labelled_score: float | None
    labelled_source: str | None


@dataclass(frozen=True)
class AnomalyFilter:
    """Which findings are wanted; None: whatever it is."""

    subject: str | None = None
    finder: str | None = None
    source: str | None = None
    user_id: str | None = None
    item_id: str | None = None
    label: str | None = None
    """One of `watch_tables.LABELS`, or UNLABELLED."""
    max_p_value: float | None = None
    is_anomaly: bool | None = None
    sources: Collection[str] | None = None
    """Any of these."""
    not_sources: Collection[str] | None = None
    """None of these."""


ALL: Final = AnomalyFilter()


def anomaly_id_of(finder: str, subject: str, what: Sequence[str]) -> str:
    """The id of a finding: the same whenever the same is found again."""
    name = json.dumps([finder, subject, *what])
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def replace_anomalies(
    session: Session,
    *,
    finder: str,
    subject: str,
    source: str,
    found: Sequence[NewAnomaly],
    run_id: str | None,
    now: datetime,
) -> int:
    """Put these in the place of what the finder found of the subject before; how many there are.

    What is found again keeps its id and its label. What has a label stays, found again or not.
    Findings about users or items that are gone are left out. Two who replace the same take turns.
    """
    about = {
        "finder": finder,
        "subject": subject,
        "source": source,
        "run_id": run_id,
        "found_at": now,
    }
    rows = [{**about, **row} for row in _rows(session, finder, subject, found)]
    hold_findings(session, finder=finder, subject=subject)
    ids = values_of(session, [row["anomaly_id"] for row in rows])
    session.execute(
        delete(Anomaly).where(
            Anomaly.finder == finder,
            Anomaly.subject == subject,
            Anomaly.label.is_(None),
            Anomaly.anomaly_id.not_in(ids),
        )
    )
    if rows:
        insert = insert_into(session, Anomaly)
        changed = {name: insert.excluded[name] for name in rows[0] if name != "anomaly_id"}
        statement = insert.on_conflict_do_update(index_elements=[Anomaly.anomaly_id], set_=changed)
        session.connection().execute(statement, rows)
    return len(rows)


def hold_findings(session: Session, *, finder: str, subject: str) -> None:
    """Nobody else replaces or labels findings of that kind before this transaction ends."""
    take_turns(session, f"anomalies of {finder} {subject}")


def _rows(
    session: Session, finder: str, subject: str, found: Sequence[NewAnomaly]
) -> list[dict[str, Any]]:
    """The findings as rows, of one id the last, in the order of their ids."""
    users = _held(session, User.user_id, User.user_key, [each.user_id for each in found])
    items = _held(session, Item.item_id, Item.item_key, [each.item_id for each in found])
    rows = {}
    for each in found:
        user_key, item_key = users.get(each.user_id), items.get(each.item_id)
        gone = (user_key is None) != (each.user_id is None)
        if gone or (item_key is None) != (each.item_id is None):
            continue
        anomaly_id = anomaly_id_of(finder, subject, each.what)
        rows[anomaly_id] = {
            "anomaly_id": anomaly_id,
            "user_key": user_key,
            "item_key": item_key,
            "place": None if each.place is None else dict(each.place),
            "score": each.score,
            "p_value": each.p_value,
            "is_anomaly": each.is_anomaly,
            "contributions": [dict(row) for row in each.contributions],
        }
    return [rows[anomaly_id] for anomaly_id in sorted(rows)]


Keys = dict[str | None, int]


def _held(
    session: Session,
    id_column: InstrumentedAttribute[str],
    key_column: InstrumentedAttribute[int],
    ids: Iterable[str | None],
) -> Keys:
    """The keys of users or items; on PostgreSQL nobody deletes these before the end."""
    wanted = values_of(session, {each for each in ids if each is not None})
    query = select(id_column, key_column).where(id_column.in_(wanted)).order_by(id_column)
    held: Keys = dict(session.execute(query.with_for_update(read=True, key_share=True)).all())
    return held


def list_anomalies(
    session: Session,
    *,
    limit: int,
    after: tuple[float, float, str] | None,
    wanted: AnomalyFilter = ALL,
) -> list[StoredAnomaly]:
    """Up to `limit` findings, by p-value, then the highest score first, then id.

    after: `(p_value, score, anomaly_id)` of the last one of the previous page.
    """
    order = (Anomaly.p_value, Anomaly.score.desc(), Anomaly.anomaly_id)
    query = _stored().where(*_conditions(wanted)).order_by(*order).limit(limit)
    if after is not None:
        query = query.where(_comes_after(*after))
    return [StoredAnomaly(*row) for row in session.execute(query)]


def get_anomaly(session: Session, *, anomaly_id: str) -> StoredAnomaly | None:
    """The finding, or None."""
    row = session.execute(_stored().where(Anomaly.anomaly_id == anomaly_id)).one_or_none()
    return None if row is None else StoredAnomaly(*row)


def forget_finder(session: Session, *, finder: str) -> None:
    """Delete all that it found, labelled or not: for a detector that is deleted."""
    session.execute(delete(Anomaly).where(Anomaly.finder == finder))


def _stored() -> Select[Any]:
    """The columns of a StoredAnomaly, in its order."""
    return (
        select(
            Anomaly.anomaly_id,
            Anomaly.subject,
            Anomaly.finder,
            Anomaly.source,
            User.user_id,
            Item.item_id,
            Anomaly.place,
            Anomaly.score,
            Anomaly.p_value,
            Anomaly.is_anomaly,
            Anomaly.contributions,
            Anomaly.run_id,
            Anomaly.found_at,
            Anomaly.label,
            Anomaly.labelled_at,
            Anomaly.note,
            Anomaly.labelled_score,
            Anomaly.labelled_source,
        )
        .select_from(Anomaly)
        .outerjoin(User)
        .outerjoin(Item)
    )


def _conditions(wanted: AnomalyFilter) -> list[ColumnElement[bool]]:
    equal = {
        Anomaly.subject: wanted.subject,
        Anomaly.finder: wanted.finder,
        Anomaly.source: wanted.source,
        User.user_id: wanted.user_id,
        Item.item_id: wanted.item_id,
        Anomaly.is_anomaly: wanted.is_anomaly,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    if wanted.label is not None:
        unlabelled = wanted.label == UNLABELLED
        conditions.append(Anomaly.label.is_(None) if unlabelled else Anomaly.label == wanted.label)
    if wanted.sources is not None:
        conditions.append(Anomaly.source.in_(wanted.sources))
    if wanted.not_sources is not None:
        conditions.append(Anomaly.source.not_in(wanted.not_sources))
    if wanted.max_p_value is not None:
        conditions.append(Anomaly.p_value <= wanted.max_p_value)
    return conditions


def _comes_after(p_value: float, score: float, anomaly_id: str) -> ColumnElement[bool]:
    same_score = and_(Anomaly.score == score, Anomaly.anomaly_id > anomaly_id)
    same_p_value = and_(Anomaly.p_value == p_value, or_(Anomaly.score < score, same_score))
    return or_(Anomaly.p_value > p_value, same_p_value)
