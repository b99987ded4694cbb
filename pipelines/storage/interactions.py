"""Interactions: who did what with which item, when and how much.

The key is (user, item, action, moment), so that sending a thing twice changes nothing. Users and
items that nobody knew are created here.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from pipelines.storage.bulk import Stored, dialect_of, driver_rows, foreign_keys_known
from pipelines.storage.items import item_keys
from pipelines.storage.tables import UNTIMED, Interaction, Item, User, microseconds, moment_of
from pipelines.storage.users import user_keys

CHUNK_ROWS: Final = 20_000
"""Rows that are read at a time."""


class NewInteraction(NamedTuple):
    """One interaction in external ids; `occurred_at` is `tables.UNTIMED` where nobody knows it."""

    user_id: str
    item_id: str
    action: str
    weight: float
    occurred_at: datetime


def store_interactions(
    session: Session, *, rows: Sequence[NewInteraction], now: datetime
) -> Stored:
    """Store the rows and create the users and items they name.

    Of several rows with one key the last one holds. One call is meant for up to 200,000.
    Raises ValueError for a naive `occurred_at`.
    """
    users = user_keys(session, user_ids={row[0] for row in rows}, now=now)
    items = item_keys(session, item_ids={row[1] for row in rows}, now=now)
    weights = {
        (users[user_id], items[item_id], action, microseconds(moment)): float(weight)
        for user_id, item_id, action, weight, moment in rows
    }
    records = [(*key, weight) for key, weight in weights.items()]
    records.sort(key=itemgetter(0))  # as the table is: what lies on one page is written together
    with foreign_keys_known(session, n_rows=len(records)):
        new = _execute(session, _INSERT_NEW, records)
    replaced = _execute(session, _REPLACE_WEIGHTS, records) if new < len(records) else 0
    return Stored(new=new, repeated=len(rows) - new - replaced, replaced=replaced)


def list_interactions(
    session: Session, *, user_id: str, limit: int, after: tuple[datetime, str, str] | None
) -> list[NewInteraction]:
    """Up to `limit` interactions of a user, newest first, then by item and action.

    after: `(occurred_at, item_id, action)` of the last one of the previous page.
    """
    query = (
        select(
            User.user_id,
            Item.item_id,
            Interaction.action,
            Interaction.weight,
            Interaction.occurred_at,
        )
        .select_from(Interaction)
        .join(User)
        .join(Item)
        .where(User.user_id == user_id)
        .order_by(Interaction.occurred_at.desc(), Item.item_id, Interaction.action)
        .limit(limit)
    )
    if after is not None:
        query = query.where(_comes_after(*after))
    return [NewInteraction(*row) for row in session.execute(query)]


def _comes_after(occurred_at: datetime, item_id: str, action: str) -> ColumnElement[bool]:
    same_item = and_(Item.item_id == item_id, Interaction.action > action)
    same_moment = and_(
        Interaction.occurred_at == occurred_at, or_(Item.item_id > item_id, same_item)
    )
    return or_(Interaction.occurred_at < occurred_at, same_moment)


def history_of(
    session: Session, *, user_id: str, actions: Sequence[str] | None, above: float
) -> list[str]:
    """Ids of the items with which the user interacted with a weight above `above`, sorted.

    actions: only these count; None: all do.
    """
    query = (
        select(Item.item_id)
        .join(Interaction)
        .join(User)
        .where(User.user_id == user_id, *_counted(actions, above))
        .distinct()
        .order_by(Item.item_id)
    )
    return list(session.scalars(query))


def weights_of(
    session: Session, *, user_id: str, actions: Sequence[str] | None, above: float
) -> dict[str, list[float]]:
    """The same items, each with the weights above `above`, by action and then from old to new."""
    query = (
        select(Item.item_id, Interaction.weight)
        .select_from(Interaction)
        .join(Item)
        .join(User)
        .where(User.user_id == user_id, *_counted(actions, above))
        .order_by(Item.item_id, Interaction.action, Interaction.occurred_at)
    )
    weights: dict[str, list[float]] = {}
    for item_id, weight in session.execute(query):
        weights.setdefault(item_id, []).append(weight)
    return weights


def seen_by(session: Session, *, user_id: str) -> set[str]:
    """Ids of all items with which the user ever interacted, by any action and weight."""
    query = select(Item.item_id).join(Interaction).join(User).where(User.user_id == user_id)
    return set(session.scalars(query))


def popular_items(session: Session, *, limit: int) -> list[tuple[str, int]]:
    """The visible items with the most distinct users, and their number; ties by id."""
    pairs = select(Interaction.item_key, Interaction.user_key).distinct().subquery()
    counts = (
        select(pairs.c.item_key, func.count().label("n_users"))
        .group_by(pairs.c.item_key)
        .subquery()
    )
    query = (
        select(Item.item_id, counts.c.n_users)
        .join(counts, counts.c.item_key == Item.item_key)
        .where(Item.hidden == false())
        .order_by(counts.c.n_users.desc(), Item.item_id)
        .limit(limit)
    )
    return [tuple(row) for row in session.execute(query)]


def read_columns(
    session: Session, *, actions: Sequence[str] | None, above: float
) -> Iterator[list[tuple[int, int, float]]]:
    """Chunks of (user_key, item_key, weight), ordered by user and item, weight above `above`.

    An item comes once per action and moment, so a pair may repeat. Memory: one chunk.
    """
    query = (
        select(Interaction.user_key, Interaction.item_key, Interaction.weight)
        .where(*_counted(actions, above))
        .order_by(
            Interaction.user_key,
            Interaction.item_key,
            Interaction.action,
            Interaction.occurred_at,
        )
    )
    return driver_rows(session, query, chunk_rows=CHUNK_ROWS)


def iterate_interactions(session: Session) -> Iterator[list[NewInteraction]]:
    """All interactions in chunks, a user's together. Memory: one chunk."""
    query = (
        select(
            User.user_id,
            Item.item_id,
            Interaction.action,
            Interaction.weight,
            Interaction.occurred_at,
        )
        .select_from(Interaction)
        .join(User)
        .join(Item)
        .order_by(
            Interaction.user_key,
            Interaction.item_key,
            Interaction.action,
            Interaction.occurred_at,
        )
    )
    for rows in driver_rows(session, query, chunk_rows=CHUNK_ROWS):
        yield [
            NewInteraction(user_id, item_id, action, weight, moment_of(moment))
            for user_id, item_id, action, weight, moment in rows
        ]


def interactions_between(
    session: Session, *, first_id: str, last_id: str
) -> list[tuple[str, str, str, float]]:
    """(user_id, item_id, action, weight) of all users from `first_id` to `last_id`.

    In this order, and then from old to new.
    """
    query = (
        select(User.user_id, Item.item_id, Interaction.action, Interaction.weight)
        .select_from(Interaction)
        .join(User)
        .join(Item)
        .where(User.user_id.between(first_id, last_id))
        .order_by(User.user_id, Item.item_id, Interaction.action, Interaction.occurred_at)
    )
    return [(*row,) for row in session.connection().execute(query)]


def user_ids(session: Session) -> dict[int, str]:
    """The id of every user by its key."""
    return dict(session.execute(select(User.user_key, User.user_id)).all())


def item_ids(session: Session) -> dict[int, str]:
    """The id of every item by its key."""
    return dict(session.execute(select(Item.item_key, Item.item_id)).all())


def count_interactions(session: Session) -> int:
    """Number of interactions, whatever their action and weight."""
    return session.scalar(select(func.count()).select_from(Interaction)) or 0


def last_occurred_at(session: Session) -> datetime | None:
    """When the newest interaction occurred; None when none has a time."""
    query = select(func.max(Interaction.occurred_at)).where(Interaction.occurred_at != UNTIMED)
    return session.scalar(query)


def _counted(actions: Sequence[str] | None, above: float) -> list[ColumnElement[bool]]:
    heavy = Interaction.weight > above
    return [heavy] if actions is None else [heavy, Interaction.action.in_(actions)]


# Written by hand and run on the driver: SQLAlchemy's own way takes several times as long.
# Inserting first and replacing then counts exactly, whoever else writes at the same time.
_COLUMNS: Final = "(user_key, item_key, action, occurred_at, weight)"
_SENT: Final = (
    "SELECT user_key, item_key, (%s::text[])[action], occurred_at, weight FROM"
    f" unnest(%s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::float8[]) AS sent {_COLUMNS}"
)
_INSERT_NEW: Final[Mapping[str, str]] = {
    "sqlite": f"INSERT INTO interactions {_COLUMNS} VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    "postgresql": f"INSERT INTO interactions {_COLUMNS} {_SENT} ON CONFLICT DO NOTHING",
}
_REPLACE_WEIGHTS: Final[Mapping[str, str]] = {
    "sqlite": (
        "UPDATE interactions SET weight = ?5 WHERE user_key = ?1 AND item_key = ?2"
        " AND action = ?3 AND occurred_at = ?4 AND weight <> ?5"
    ),
    "postgresql": (
        f"UPDATE interactions AS old SET weight = sent.weight FROM ({_SENT}) AS sent {_COLUMNS}"
        " WHERE old.user_key = sent.user_key AND old.item_key = sent.item_key"
        " AND old.action = sent.action AND old.occurred_at = sent.occurred_at"
        " AND old.weight <> sent.weight"
    ),
}


def _execute(
    session: Session, statements: Mapping[str, str], records: list[tuple[Any, ...]]
) -> int:
    """Number of rows that the statement of this database changed."""
    if not records:
        return 0
    dialect = dialect_of(session)
    parameters: Any = records if dialect == "sqlite" else _as_arrays(records)
    return session.connection().exec_driver_sql(statements[dialect], parameters).rowcount


def _as_arrays(records: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The parameters of `_SENT`: the actions, each once, then the columns, actions by number.

    Columns are written as PostgreSQL reads arrays of numbers: the driver takes ten times as long.
    """
    user_keys, item_keys, actions, moments, weights = zip(*records, strict=True)
    numbers = {action: number for number, action in enumerate(dict.fromkeys(actions), start=1)}
    columns = (user_keys, item_keys, map(numbers.__getitem__, actions), moments, weights)
    return (list(numbers), *(f"{{{','.join(map(repr, column))}}}" for column in columns))
