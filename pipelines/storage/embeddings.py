"""Embeddings and biases of items in an artifact's decoder space; two artifacts' never mix."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from pipelines.storage.bulk import insert_into, values_of
from pipelines.storage.tables import Artifact, Embedding, Item

_CHUNK_ROWS: Final = 2_000


class ItemEmbedding(NamedTuple):
    """Where an item lies, and what its logit has beyond a dot product with that."""

    item_id: str
    vector: bytes
    """Little-endian float32."""
    bias: float | None
    """None: the artifact was promoted before biases were stored."""


def put_embeddings(
    session: Session, *, artifact_id: str, embeddings: Iterable[ItemEmbedding]
) -> int:
    """Store or overwrite the embedding of each item; the number stored. Memory: one chunk.

    Items that are gone are left out, and all of them when there is no such artifact.
    """
    query = select(Artifact.artifact_key).where(Artifact.artifact_id == artifact_id)
    artifact_key = session.scalar(query)
    if artifact_key is None:
        return 0
    iterator = iter(embeddings)
    stored = 0
    while chunk := {each.item_id: each for each in islice(iterator, _CHUNK_ROWS)}:
        stored += _put_chunk(session, artifact_key, chunk)
    return stored


def _put_chunk(session: Session, artifact_key: int, chunk: dict[str, ItemEmbedding]) -> int:
    query = select(Item.item_id, Item.item_key).where(Item.item_id.in_(values_of(session, chunk)))
    rows = [
        {
            "artifact_key": artifact_key,
            "item_key": item_key,
            "vector": chunk[item_id].vector,
            "bias": chunk[item_id].bias,
        }
        for item_id, item_key in session.execute(query)
    ]
    insert = insert_into(session, Embedding)
    key = [Embedding.artifact_key, Embedding.item_key]
    changed = {"vector": insert.excluded.vector, "bias": insert.excluded.bias}
    statement = insert.on_conflict_do_update(index_elements=key, set_=changed)
    if rows:
        session.connection().execute(statement, rows)
    return len(rows)


def get_embedding(session: Session, *, artifact_id: str, item_id: str) -> ItemEmbedding | None:
    """That of the item by this artifact, or None."""
    row = session.execute(_of(artifact_id).where(Item.item_id == item_id)).one_or_none()
    return None if row is None else ItemEmbedding._make(row)


def iterate_embeddings(session: Session, *, artifact_id: str) -> Iterator[ItemEmbedding]:
    """Every one of the artifact in the order of the ids. Memory: one chunk."""
    query = _of(artifact_id).order_by(Item.item_id).execution_options(yield_per=_CHUNK_ROWS)
    yield from (ItemEmbedding._make(row) for row in session.execute(query))


def _of(artifact_id: str) -> Select[str, bytes, float | None]:
    return (
        select(Item.item_id, Embedding.vector, Embedding.bias)
        .select_from(Embedding)
        .join(Artifact)
        .join(Item)
        .where(Artifact.artifact_id == artifact_id)
    )
