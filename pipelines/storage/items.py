"""Items: one row for everything that was named in an interaction or put here by hand."""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import JSON, Text, Update, bindparam, delete, false, func, literal, select, update
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from pipelines.storage.bulk import add_missing, insert_into, values_of
from pipelines.storage.tables import Artifact, Embedding, Item, NullableJson, UtcTime

CHUNK_ROWS: Final = 10_000
"""Rows that are read at a time."""


class NewItem(NamedTuple):
    """What a source knows about an item; None: it does not say."""

    item_id: str
    title: str | None = None
    categories: Sequence[str] | None = None
    attributes: Mapping[str, Any] | None = None
    tags: Sequence[str] | None = None


class StoredContent(NamedTuple):
    """What there is to know of an item; `vector` is the embedding of its image, as it is stored."""

    item_id: str
    title: str | None
    categories: Sequence[str]
    tags: Sequence[str]
    vector: bytes | None = None


def get_item(session: Session, *, item_id: str) -> Item | None:
    """The item, or None."""
    return session.scalar(select(Item).where(Item.item_id == item_id))


def list_items(session: Session, *, limit: int, after: str | None) -> list[Item]:
    """Up to `limit` items in the order of their ids, from the first one past `after`."""
    query = select(Item).order_by(Item.item_id).limit(limit)
    if after is not None:
        query = query.where(Item.item_id > after)
    return list(session.scalars(query))


def put_item(
    session: Session,
    *,
    item_id: str,
    title: str | None,
    categories: Sequence[str],
    tags: Sequence[str],
    attributes: Mapping[str, Any],
    hidden: bool,
    now: datetime,
) -> bool:
    """Create the item or overwrite all of these fields; True when it was created."""
    fields = {
        "title": title,
        "categories": list(categories),
        "tags": list(tags),
        "attributes": attributes,
        "hidden": hidden,
    }
    row = {"item_id": item_id, **fields, "created_at": now, "updated_at": now}
    statement = insert_into(session, Item).values(row).on_conflict_do_nothing()
    if session.execute(statement.returning(Item.item_key)).first():
        return True
    update_item(session, item_id=item_id, changes=fields, now=now)
    return False


def put_items(session: Session, *, items: Sequence[NewItem], now: datetime) -> None:
    """Create or complete many items: a field that is not None overwrites what is stored.

    Of several with one id the last one wins, field by field.
    """
    told = [item for item in items if any(field is not None for field in item[1:])]
    item_keys(session, item_ids={item.item_id for item in items}, now=now)
    if told:
        # On the connection: the session itself takes many rows by primary key only.
        session.connection().execute(_complete(now), [_parameters(item) for item in told])


def _complete(now: datetime) -> Update:
    types: dict[str, TypeEngine[Any]] = {
        "title": Text(),
        "categories": NullableJson,
        "attributes": NullableJson,
        "tags": NullableJson,
    }
    values = {
        name: func.coalesce(bindparam(f"new_{name}", type_=type_), getattr(Item, name))
        for name, type_ in types.items()
    }
    chosen = update(Item).where(Item.item_id == bindparam("for_item_id"))
    return chosen.values(**values, updated_at=now)


def _parameters(item: NewItem) -> dict[str, Any]:
    return {
        "for_item_id": item.item_id,
        "new_title": item.title,
        "new_categories": _listed(item.categories),
        "new_attributes": item.attributes,
        "new_tags": _listed(item.tags),
    }


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def update_item(
    session: Session, *, item_id: str, changes: Mapping[str, Any], now: datetime
) -> Item | None:
    """Set the columns that `changes` names; the item as it is now, or None."""
    return session.scalar(
        update(Item)
        .where(Item.item_id == item_id)
        .values(**changes, updated_at=now)
        .returning(Item)
        .execution_options(populate_existing=True)
    )


def image_digests(session: Session, *, item_ids: Collection[str]) -> dict[str, str | None]:
    """The digest of the image of each of these items that exists; None: it has no image."""
    query = select(Item.item_id, Item.image_digest)
    rows = session.execute(query.where(Item.item_id.in_(values_of(session, item_ids))))
    return dict(rows.all())


def delete_item(session: Session, *, item_id: str) -> bool:
    """Delete the item, its interactions and its embeddings; False when there is none."""
    statement = delete(Item).where(Item.item_id == item_id).returning(Item.item_key)
    return session.scalar(statement) is not None


def visible_items(session: Session, *, item_ids: Collection[str]) -> dict[str, str | None]:
    """Title of each of these items that exists and is not hidden; any number of ids."""
    query = select(Item.item_id, Item.title).where(
        Item.item_id.in_(values_of(session, item_ids)), Item.hidden == false()
    )
    return dict(session.execute(query).all())


def contents(
    session: Session,
    *,
    item_ids: Collection[str] | None = None,
    image_artifact_id: str | None = None,
) -> Iterator[StoredContent]:
    """The content of all items, or of those among these, in the order of their ids.

    image_artifact_id: by whose embeddings images are known; None: they are not.
    """
    key = select(Artifact.artifact_key).where(Artifact.artifact_id == image_artifact_id)
    its_image = (Embedding.item_key == Item.item_key) & (
        Embedding.artifact_key == key.scalar_subquery()
    )
    columns = (Item.item_id, Item.title, Item.categories, Item.tags, Embedding.vector)
    query = select(*columns).select_from(Item).outerjoin(Embedding, its_image)
    if item_ids is not None:
        query = query.where(Item.item_id.in_(values_of(session, item_ids)))
    ordered = query.order_by(Item.item_id).execution_options(yield_per=CHUNK_ROWS)
    for row in session.execute(ordered):
        yield StoredContent(*row)


def changed_items(session: Session, *, since: datetime) -> Generator[str]:
    """Ids of the visible items that were created or changed then or later, the newest first.

    Who does not read to the end closes it.
    """
    query = select(Item.item_id).where(Item.updated_at >= since, Item.hidden == false())
    newest_first = query.order_by(Item.item_key.desc()).execution_options(yield_per=CHUNK_ROWS)
    with closing(session.scalars(newest_first)) as item_ids:
        yield from item_ids


def changes(session: Session, *, since: datetime) -> tuple[datetime | None, int]:
    """When the last of the items created or changed then or later was, and how many there are."""
    query = select(func.max(Item.updated_at), func.count()).where(Item.updated_at >= since)
    last, number = session.execute(query).one()
    return last, number


def item_keys(session: Session, *, item_ids: Collection[str], now: datetime) -> dict[str, int]:
    """The key of each item; the unknown ones are created.

    On PostgreSQL nobody can delete these items before the transaction ends.
    """
    moment = literal(now, UtcTime)
    others = {
        "categories": literal([], JSON),
        "tags": literal([], JSON),
        "attributes": literal({}, JSON),
        "hidden": false(),
        "created_at": moment,
        "updated_at": moment,
    }
    add_missing(session, Item, Item.item_id, item_ids, others)
    query = select(Item.item_id, Item.item_key).where(
        Item.item_id.in_(values_of(session, item_ids))
    )
    locked = query.order_by(Item.item_id).with_for_update(read=True, key_share=True)
    return dict(session.connection().execute(locked).all())
