"""Embeddings of all items or all users, out of the active artifact. Not their file formats."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.data.interactions import read_interactions
from pipelines.errors import NotReady
from pipelines.predictor.predictor import Predictor
from pipelines.registry.artifact import read_artifact
from pipelines.registry.embedding_files import Chunk, Description, write_embeddings, writer_for
from pipelines.registry.store import Store
from pipelines.storage.artifacts import active_artifact
from pipelines.storage.embeddings import iterate_embeddings
from pipelines.storage.engine import reading

T = TypeVar("T")

CHUNK_ROWS = 1_000

OnRows = Callable[[int], None]
"""Told the number of rows written so far."""


def export_item_embeddings(engine: Engine, path: Path, *, on_rows: OnRows) -> int:
    """Write the decoder embedding of every item; the number of rows. Raises NotReady."""
    writer_for(path)
    with reading(engine) as session:
        artifact_id = _active_id(session)
        description = Description("item_id", artifact_id, "decoder")
        counted = _Counted(_item_chunks(session, artifact_id), on_rows)
        write_embeddings(path, description, counted)
    return counted.n_rows


def export_user_embeddings(
    engine: Engine, store: Store, path: Path, *, space: str, on_rows: OnRows
) -> int:
    """Write the embedding of every user with a usable history; the number of rows."""
    writer_for(path)
    with reading(engine) as session:
        predictor = Predictor(read_artifact(store, _active_id(session)))
        description = Description("user_id", predictor.artifact_id, space)
        counted = _Counted(_user_chunks(session, predictor, space), on_rows)
        write_embeddings(path, description, counted)
    return counted.n_rows


class _Counted:
    """Chunks that report how many rows have passed."""

    def __init__(self, chunks: Iterator[Chunk], on_rows: OnRows) -> None:
        self._chunks = chunks
        self._on_rows = on_rows
        self.n_rows = 0

    def __iter__(self) -> Iterator[Chunk]:
        for chunk in self._chunks:
            yield chunk
            self.n_rows += len(chunk.ids)
            self._on_rows(self.n_rows)


def _batched(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(rows, size)):
        yield batch


def _active_id(session: Session) -> str:
    active = active_artifact(session)
    if active is None:
        raise NotReady("No artifact is active yet. Run `hourglass train denoising` first.")
    return active.artifact_id


def _item_chunks(session: Session, artifact_id: str) -> Iterator[Chunk]:
    for part in _batched(iterate_embeddings(session, artifact_id=artifact_id), CHUNK_ROWS):
        vectors = np.stack([np.frombuffer(vector, dtype="<f4") for _, vector in part])
        yield Chunk([item_id for item_id, _ in part], vectors)


def _user_chunks(session: Session, predictor: Predictor, space: str) -> Iterator[Chunk]:
    for batch in _batched(_histories(session, predictor), CHUNK_ROWS):
        vectors = [predictor.embed(item_nums, space=space) for _, item_nums in batch]
        yield Chunk([user_id for user_id, _ in batch], np.array(vectors, dtype=np.float32))


def _histories(session: Session, predictor: Predictor) -> Iterator[tuple[str, list[int]]]:
    """Every user whose history the artifact knows anything of, with its columns."""
    matrix = read_interactions(session, predictor.data)
    item_ids = matrix.vocabulary.item_ids
    for num, user_id in enumerate(matrix.user_ids):
        columns = matrix.x.indices[matrix.x.indptr[num] : matrix.x.indptr[num + 1]]
        item_nums, _ = predictor.vocabulary.split(item_ids[column] for column in columns)
        if item_nums:
            yield user_id, item_nums
