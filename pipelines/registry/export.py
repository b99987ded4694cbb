"""Embeddings of all items or all users, out of the active artifact. Not their file formats."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.errors import NotReady
from pipelines.predictor.predictor import Predictor
from pipelines.registry.artifact import read_artifact
from pipelines.registry.embedding_files import WRITERS, Chunk, Description
from pipelines.registry.export_target import (
    Manifest,
    OnRows,
    Target,
    target_of,
    write_export,
)
from pipelines.registry.store import Store
from pipelines.registry.user_histories import history_batches
from pipelines.storage.artifacts import active_artifact
from pipelines.storage.embeddings import iterate_embeddings
from pipelines.storage.engine import reading

T = TypeVar("T")

CHUNK_ROWS = 1_000


def export_item_embeddings(engine: Engine, to: Path, *, on_rows: OnRows) -> Manifest:
    """Write the decoder embedding of every item. Raises NotReady, InvalidInput."""
    target = target_of(to, name="item-embeddings", endings=tuple(WRITERS))
    with reading(engine) as session:
        artifact_id = _active_id(session)
        description = Description("item_id", artifact_id, "decoder")
        return _write(target, description, _item_chunks(session, artifact_id), on_rows)


def export_user_embeddings(
    engine: Engine, store: Store, to: Path, *, space: str, on_rows: OnRows
) -> Manifest:
    """Write the embedding of every user with a usable history. Raises NotReady, InvalidInput."""
    target = target_of(to, name="user-embeddings", endings=tuple(WRITERS))
    with reading(engine) as session:
        predictor = Predictor(read_artifact(store, _active_id(session)))
        description = Description("user_id", predictor.artifact_id, space)
        return _write(target, description, _user_chunks(session, predictor, space), on_rows)


def _write(
    target: Target, description: Description, chunks: Iterator[Chunk], on_rows: OnRows
) -> Manifest:
    def write(file: BinaryIO) -> int:
        counted = _Counted(chunks, on_rows)
        WRITERS[target.path.suffix](file, description, counted)
        return counted.n_rows

    return write_export(target, write, artifact_id=description.artifact_id)


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
        vectors = np.stack([np.frombuffer(each.vector, dtype="<f4") for each in part])
        biases = np.array([each.bias for each in part], dtype=np.float32)  # None becomes NaN
        yield Chunk([each.item_id for each in part], vectors, biases)


def _user_chunks(session: Session, predictor: Predictor, space: str) -> Iterator[Chunk]:
    for batch in history_batches(session, predictor, size=CHUNK_ROWS):
        known = [user for user in batch if user.history.item_nums]
        vectors = [
            predictor.embed(user.history.item_nums, space=space, weights=user.history.weights)
            for user in known
        ]
        if known:
            yield Chunk([user.user_id for user in known], np.array(vectors, dtype=np.float32))
