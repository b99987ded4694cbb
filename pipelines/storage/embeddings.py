"""Embeddings of items in the decoder space of an artifact; those of two artifacts never mix."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.storage.bulk import insert_into, values_of
from pipelines.storage.tables import Artifact, Embedding, Item

_CHUNK_ROWS: Final = 2_000


def put_embeddings(
    session: Session, *, artifact_id: str, vectors: Iterable[tuple[str, bytes]]
) -> int:
    """Store or overwrite the vector of each item; the number stored. Memory: one chunk.

    vectors: (item_id, little-endian float32). Items that are gone are left out, and all of them
    when there is no such artifact.
    """
    query = select(Artifact.artifact_key).where(Artifact.artifact_id == artifact_id)
    artifact_key = session.scalar(query)
    if artifact_key is None:
        return 0
    iterator = iter(vectors)
    stored = 0
    while chunk := dict(islice(iterator, _CHUNK_ROWS)):
        stored += _put_chunk(session, artifact_key, chunk)
    return stored


def _put_chunk(session: Session, artifact_key: int, vectors: dict[str, bytes]) -> int:
    query = select(Item.item_id, Item.item_key).where(Item.item_id.in_(values_of(session, vectors)))
    rows = [
        {"artifact_key": artifact_key, "item_key": item_key, "vector": vectors[item_id]}
        for item_id, item_key in session.execute(query)
    ]
    insert = insert_into(session, Embedding)
    key = [Embedding.artifact_key, Embedding.item_key]
    statement = insert.on_conflict_do_update(
        index_elements=key, set_={"vector": insert.excluded.vector}
    )
    if rows:
        session.connection().execute(statement, rows)
    return len(rows)


def get_embedding(session: Session, *, artifact_id: str, item_id: str) -> bytes | None:
    """The vector of the item by this artifact, or None."""
    query = select(Embedding.vector).join(Artifact).join(Item)
    return session.scalar(query.where(Artifact.artifact_id == artifact_id, Item.item_id == item_id))


def iterate_embeddings(session: Session, *, artifact_id: str) -> Iterator[tuple[str, bytes]]:
    """Every (item_id, vector) of the artifact in the order of the ids. Memory: one chunk."""
    query = (
        select(Item.item_id, Embedding.vector)
        .select_from(Embedding)
        .join(Artifact)
        .join(Item)
        .where(Artifact.artifact_id == artifact_id)
        .order_by(Item.item_id)
        .execution_options(yield_per=_CHUNK_ROWS)
    )
    yield from ((item_id, vector) for item_id, vector in session.execute(query))
