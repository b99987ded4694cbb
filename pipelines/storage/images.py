"""Images of items: one each, already checked. Not what an image may be: `pipelines/data/images.py`.

Whatever an artifact made of an image goes with it: who replaces or deletes an image deletes its
embeddings too.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, delete, func, select, type_coerce, update
from sqlalchemy.orm import Session

from pipelines.storage.bulk import Stored, insert_into, values_of
from pipelines.storage.items import item_keys
from pipelines.storage.tables import IMAGES, Artifact, Embedding, Item, ItemImage

_CHUNK_ROWS: Final = 200
_MOMENTS: Final = 2**40
"""Of moments in microseconds the lower bits: the sum of 8 million fits in 64 bits."""


class NewImage(NamedTuple):
    """A checked image: a PNG file of `channels` (1 grey, 3 colour), and its sha256."""

    content: bytes
    digest: str
    width: int
    height: int
    channels: int


class Described(NamedTuple):
    """An image without its content."""

    item_id: str
    digest: str
    width: int
    height: int
    channels: int
    categories: list[str]


class ImageState(NamedTuple):
    """What changes whenever an image, or the embedding of one by the artifact, comes or goes."""

    n_images: int
    n_embeddings: int
    moments: int
    """The sum of when each image was stored: transactions end in any order, so that the last moment
    stays where an image of an earlier one is replaced.
    """


def put_images(session: Session, *, images: dict[str, NewImage], now: datetime) -> Stored:
    """Store the image of each item id; items that nobody knew are created."""
    keys = item_keys(session, item_ids=images, now=now)
    query = select(Item.item_id, Item.image_digest).where(
        Item.item_id.in_(values_of(session, images))
    )
    before: dict[str, str | None] = dict(session.execute(query).all())
    changed = {name: each for name, each in images.items() if before[name] != each.digest}
    if changed:
        _put_changed(session, changed, keys, now)
    replaced = sum(before[item_id] is not None for item_id in changed)
    return Stored(len(changed) - replaced, len(images) - len(changed), replaced)


def _put_changed(
    session: Session, images: dict[str, NewImage], keys: dict[str, int], now: datetime
) -> None:
    rows = [
        {
            "item_key": keys[item_id],
            "width": image.width,
            "height": image.height,
            "channels": image.channels,
            "stored_at": now,
            "content": image.content,
        }
        for item_id, image in sorted(images.items())
    ]
    insert = insert_into(session, ItemImage)
    columns = ("width", "height", "channels", "stored_at", "content")
    statement = insert.on_conflict_do_update(
        index_elements=[ItemImage.item_key],
        set_={name: getattr(insert.excluded, name) for name in columns},
    )
    session.connection().execute(statement, rows)
    # The item first: whoever embeds holds its row, and knows by the digest what he embeds.
    digests = [
        {"item_key": keys[item_id], "image_digest": image.digest, "updated_at": now}
        for item_id, image in sorted(images.items())
    ]
    session.execute(update(Item), digests)
    _forget_embeddings(session, [row["item_key"] for row in digests])


def _forget_embeddings(session: Session, item_keys: Sequence[object]) -> None:
    about_images = select(Artifact.artifact_key).where(Artifact.subject == IMAGES)
    session.execute(
        delete(Embedding).where(
            Embedding.item_key.in_(item_keys), Embedding.artifact_key.in_(about_images)
        )
    )


def get_image(session: Session, *, item_id: str) -> ItemImage | None:
    """The image of the item, or None."""
    return session.scalar(select(ItemImage).join(Item).where(Item.item_id == item_id))


def delete_image(session: Session, *, item_id: str, now: datetime) -> bool:
    """Delete the image of the item, which stays; False when it has none."""
    image = get_image(session, item_id=item_id)
    if image is None:
        return False
    values = {"image_digest": None, "updated_at": now}
    session.execute(update(Item).where(Item.item_key == image.item_key).values(values))
    _forget_embeddings(session, [image.item_key])
    session.delete(image)
    session.flush()
    return True


def describe_images(session: Session) -> Iterator[Described]:
    """Every image, in the order of the item ids."""
    query = (
        select(
            Item.item_id,
            Item.image_digest,
            ItemImage.width,
            ItemImage.height,
            ItemImage.channels,
            Item.categories,
        )
        .join(ItemImage)
        .order_by(Item.item_id)
    )
    for row in session.execute(query.execution_options(yield_per=10_000)):
        yield Described(row[0], row[1] or "", *row[2:])


def imaged_keys(session: Session) -> set[int]:
    """The keys of all items with an image."""
    return set(session.scalars(select(ItemImage.item_key)))


def read_contents(session: Session, *, item_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """(item_id, content) of those that have an image, in the order of the ids. Memory: a chunk."""
    for start in range(0, len(item_ids), _CHUNK_ROWS):
        chunk = item_ids[start : start + _CHUNK_ROWS]
        query = select(Item.item_id, ItemImage.content).join(ItemImage).order_by(Item.item_id)
        rows = session.execute(query.where(Item.item_id.in_(values_of(session, chunk))))
        yield from ((item_id, content) for item_id, content in rows)


def image_state(session: Session, *, artifact_id: str) -> ImageState:
    """How many images and embeddings there are; cheap."""
    embedded = select(func.count()).select_from(Embedding).join(Artifact)
    microseconds = type_coerce(ItemImage.stored_at, BigInteger) % _MOMENTS
    n_images, moments = session.execute(select(func.count(), func.sum(microseconds))).one()
    n_embeddings = session.scalar(embedded.where(Artifact.artifact_id == artifact_id)) or 0
    return ImageState(n_images, n_embeddings, int(moments or 0))


def images_to_embed(
    session: Session, *, artifact_id: str, limit: int
) -> list[tuple[str, str, bytes]]:
    """Up to `limit` images without an embedding by this artifact: (item_id, digest, content)."""
    query = select(Item.item_id, Item.image_digest, ItemImage.content).join(ItemImage)
    missing = query.where(_not_embedded(artifact_id)).order_by(Item.item_key).limit(limit)
    return [
        (item_id, digest or "", content) for item_id, digest, content in session.execute(missing)
    ]


def not_embedded(session: Session, *, artifact_id: str, item_ids: Collection[str]) -> set[str]:
    """Which of these items have an image without an embedding by this artifact."""
    query = select(Item.item_id).join(ItemImage).where(_not_embedded(artifact_id))
    return set(session.scalars(query.where(Item.item_id.in_(values_of(session, item_ids)))))


def _not_embedded(artifact_id: str) -> ColumnElement[bool]:
    embedded = (
        select(Embedding.item_key)
        .join(Artifact)
        .where(Artifact.artifact_id == artifact_id, Embedding.item_key == ItemImage.item_key)
    )
    return ~embedded.exists()


def still_theirs(session: Session, *, digests: dict[str, str]) -> set[str]:
    """Which items still have the image of that digest; until the transaction ends they keep it."""
    query = select(Item.item_id, Item.image_digest).where(
        Item.item_id.in_(values_of(session, digests))
    )
    # A shared lock: on PostgreSQL a change of the digest waits; on SQLite all writers do.
    rows = session.execute(query.order_by(Item.item_key).with_for_update(read=True))
    return {item_id for item_id, digest in rows if digest == digests[item_id]}
