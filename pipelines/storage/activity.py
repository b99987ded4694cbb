"""Interactions as columns of numbers, of all users or items or of some. Nothing is made of them."""

from collections.abc import Collection, Iterator
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from pipelines.storage.bulk import driver_rows, values_of
from pipelines.storage.tables import Interaction, Item, User

CHUNK_ROWS: Final = 100_000

Side = Literal["users", "items"]
"""Whose interactions are looked at; those on the other side are what they are with."""


class _Columns(NamedTuple):
    """Columns of tables, which a type checker would take for the values in them."""

    own_key: Any
    other_key: Any
    id: Any
    key: Any


_SIDES: Final[dict[Side, _Columns]] = {
    "users": _Columns(Interaction.user_key, Interaction.item_key, User.user_id, User.user_key),
    "items": _Columns(Interaction.item_key, Interaction.user_key, Item.item_id, Item.item_key),
}


def keys_of(session: Session, side: Side, ids: Collection[str] | None) -> dict[int, str]:
    """The ids by their keys: of those that exist, or of all."""
    columns = _SIDES[side]
    query = select(columns.key, columns.id)
    if ids is not None:
        query = query.where(columns.id.in_(values_of(session, ids)))
    return dict(session.execute(query).all())


def names_of(session: Session, side: Side, keys: Collection[int]) -> dict[int, str]:
    """The ids of some thousand keys, by key."""
    columns = _SIDES[side]
    query = select(columns.key, columns.id).where(columns.key.in_(keys))
    return dict(session.execute(query).all())


def read_activity(
    session: Session, side: Side, keys: Collection[int] | None
) -> Iterator[list[tuple[int, int, float, int]]]:
    """Chunks of (own key, other key, weight, moment), ordered by the first two; of some thousand
    keys, or of all. A moment is in microseconds, 0 where nobody knows. Memory: one chunk.
    """
    own, other = _SIDES[side].own_key, _SIDES[side].other_key
    query = (
        select(own, other, Interaction.weight, Interaction.occurred_at)
        .where(*([] if keys is None else [own.in_(keys)]))
        .order_by(own, other, Interaction.action, Interaction.occurred_at)
    )
    return driver_rows(session, query, chunk_rows=CHUNK_ROWS)


def count_others(session: Session, side: Side, keys: Collection[int] | None) -> dict[int, int]:
    """How many of this side each one on the other side is with, by its key: an item's audience
    where the side is `users`. Of keys, only those on the other side that any of them is with.
    """
    own, other = _SIDES[side].own_key, _SIDES[side].other_key
    query = select(other, func.count(distinct(own))).group_by(other)
    if keys is not None:
        query = query.where(other.in_(select(other).where(own.in_(keys))))
    return dict(session.execute(query).all())
