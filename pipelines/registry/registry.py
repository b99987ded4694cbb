"""Which artifact is live: promotion, in the database and in step with the files.

The database says which artifact is active; the files say what it is.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy.orm import Session
from torch import Tensor

from pipelines.data.vocabulary import Vocabulary
from pipelines.registry.artifact import Artifact, read_artifact
from pipelines.registry.store import Store
from pipelines.storage import artifacts, embeddings


def read_active(session: Session, store: Store) -> Artifact | None:
    """The active artifact, its checksums verified; None when there is none yet."""
    row = artifacts.active_artifact(session)
    return None if row is None else read_artifact(store, row.artifact_id)


def promote(session: Session, artifact: Artifact) -> None:
    """Make an artifact the active one: its item embeddings come in, the former one's go.

    One transaction, the caller's: a reader sees either the former artifact or this one.
    """
    artifacts.promote_artifact(session, artifact_id=artifact.artifact_id, now=datetime.now(UTC))
    vectors = artifact.network.item_embeddings()
    if vectors is not None:
        by_id = _vectors_by_id(artifact.vocabulary, vectors)
        embeddings.put_embeddings(session, artifact_id=artifact.artifact_id, vectors=by_id)


def _vectors_by_id(vocabulary: Vocabulary, vectors: Tensor) -> Iterator[tuple[str, bytes]]:
    """Each item's id and vector, little-endian float32."""
    rows = vectors.numpy().astype("<f4")
    pairs = zip(vocabulary.item_ids, rows, strict=True)
    return ((item_id, row.tobytes()) for item_id, row in pairs)
