"""Which artifact is live: promotion, in the database and in step with the files.

The database says which artifact is active; the files say what it is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from torch import Tensor

from pipelines.data.vocabulary import Vocabulary
from pipelines.errors import Conflict, NotFound
from pipelines.images.artifact import read_image_artifact
from pipelines.images.embedding import embed_missing
from pipelines.registry.artifact import Artifact, read_artifact
from pipelines.registry.store import Store
from pipelines.storage import artifacts, embeddings
from pipelines.storage.engine import reading, writing
from pipelines.storage.tables import IMAGES, INTERACTIONS
from pipelines.storage.tables import Artifact as Row


def read_active(session: Session, store: Store) -> Artifact | None:
    """The active artifact, its checksums verified; None when there is none yet."""
    row = artifacts.active_artifact(session)
    return None if row is None else read_artifact(store, row.artifact_id)


def run_values(engine: Engine, artifact_id: str) -> dict[str, Any]:
    """The run that the artifact came of, as plain values. Raises NotFound."""
    with reading(engine) as session:
        run: dict[str, Any] = _found(session, artifact_id).manifest["run"]
    return run


def promote_by_id(engine: Engine, store: Store, artifact_id: str) -> None:
    """Make the artifact of that id the active one, once its checksums are verified.

    Raises NotFound, DamagedArtifact, or Conflict when another promotion was made meanwhile.
    """
    with reading(engine) as session:
        row = _found(session, artifact_id)
        before = artifacts.active_artifact_id(session, subject=row.subject)
    with _promoting(engine, store, artifact_id, subject=row.subject, before=before):
        pass


def roll_back(engine: Engine, store: Store, *, subject: str = INTERACTIONS) -> str:
    """Make the artifact of that subject active that was so before; its id. The one left counts as
    rejected.

    Raises Conflict when there is none, or when another promotion was made meanwhile, and
    DamagedArtifact.
    """
    with reading(engine) as session:
        left = artifacts.active_artifact_id(session, subject=subject)
        previous = artifacts.previous_artifact(session, subject=subject)
    if left is None or previous is None:
        raise Conflict("No artifact was active before the present one; promote one by its id.")
    with _promoting(engine, store, previous.artifact_id, subject=subject, before=left) as session:
        artifacts.set_status(session, artifact_id=left, status="rejected")
    return previous.artifact_id


def _found(session: Session, artifact_id: str) -> Row:
    row = artifacts.get_artifact(session, artifact_id=artifact_id)
    if row is None:
        raise NotFound(
            f"There is no artifact {artifact_id!r}; `hourglass artifacts list` and "
            "GET /v1/artifacts list them all."
        )
    return row


@contextmanager
def _promoting(
    engine: Engine, store: Store, artifact_id: str, *, subject: str, before: str | None
) -> Iterator[Session]:
    """The transaction in which the artifact becomes active; what was embedded for it goes where it
    does not.
    """
    try:
        make_active = _ready(engine, store, artifact_id, subject)
        with writing(engine) as session:
            _check_unchanged(session, before, subject)
            make_active(session)
            yield session
    finally:
        with writing(engine) as session:
            artifacts.forget_unless_read(session, artifact_id=artifact_id)


def _ready(
    engine: Engine, store: Store, artifact_id: str, subject: str
) -> Callable[[Session], object]:
    """What makes the artifact active, once it is read, and of images once all are embedded."""
    if subject == IMAGES:
        embed_missing(engine, read_image_artifact(store, artifact_id), on_chunk=_in_silence)
        return lambda session: artifacts.promote_artifact(
            session, artifact_id=artifact_id, now=datetime.now(UTC)
        )
    artifact = read_artifact(store, artifact_id)
    return lambda session: promote(session, artifact)


def _in_silence(done: int, total: int) -> None:
    pass


def _check_unchanged(session: Session, before: str | None, subject: str) -> None:
    active = artifacts.lock_promotions(session, subject=subject)
    if active != before:
        raise Conflict(
            f"Another promotion was made meanwhile: {active} is active now. "
            "Look again, and repeat yours if it is still right."
        )


def promote(session: Session, artifact: Artifact) -> None:
    """Make an artifact the active one: its item embeddings come in, the former one's go.

    One transaction, the caller's: a reader sees either the former artifact or this one.
    """
    artifacts.promote_artifact(session, artifact_id=artifact.artifact_id, now=datetime.now(UTC))
    vectors, biases = artifact.network.item_embeddings(), artifact.network.item_biases()
    if vectors is not None and biases is not None:
        rows = _embeddings(artifact.vocabulary, vectors, biases)
        embeddings.put_embeddings(session, artifact_id=artifact.artifact_id, embeddings=rows)


def _embeddings(
    vocabulary: Vocabulary, vectors: Tensor, biases: Tensor
) -> Iterator[embeddings.ItemEmbedding]:
    rows = zip(vocabulary.item_ids, vectors.numpy().astype("<f4"), biases.tolist(), strict=True)
    for item_id, row, bias in rows:
        yield embeddings.ItemEmbedding(item_id, row.tobytes(), bias)
