"""Where images lie by an artifact, kept with the images: all of them before it goes live."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sqlalchemy import Engine

from models.progress import OnChunk
from pipelines.data.images import pixels_of
from pipelines.images.artifact import ImageArtifact
from pipelines.images.split import as_rows
from pipelines.storage.embeddings import ItemEmbedding, put_embeddings
from pipelines.storage.engine import reading, writing
from pipelines.storage.images import image_state, images_to_embed, still_theirs

CHUNK = 256
"""Images that are embedded together, and stored in one transaction."""


def embed_contents(artifact: ImageArtifact, contents: Sequence[bytes]) -> np.ndarray[Any, Any]:
    """Of kept images, (n, latent_dim) float32."""
    pixels = np.stack([pixels_of(content, artifact.shape) for content in contents])
    with torch.inference_mode():
        codes = artifact.network.user_embeddings(as_rows(pixels), "code")
    assert codes is not None
    vectors: np.ndarray[Any, Any] = codes.numpy().astype("<f4")
    return vectors


def embed_missing(engine: Engine, artifact: ImageArtifact, *, on_chunk: OnChunk) -> None:
    """Store an embedding for each image that has none by this artifact. May be run at any time.

    on_chunk: called before each chunk with how many images have one, and how many there are.
    """
    while True:
        with reading(engine) as session:
            state = image_state(session, artifact_id=artifact.artifact_id)
            some = images_to_embed(session, artifact_id=artifact.artifact_id, limit=CHUNK)
        if not some:
            return
        on_chunk(state.n_embeddings, state.n_images)
        _embed(engine, artifact, some)


def embed_some(engine: Engine, artifact: ImageArtifact, *, limit: int) -> bool:
    """Store an embedding for up to `limit` images; False where none was missing."""
    with reading(engine) as session:
        some = images_to_embed(session, artifact_id=artifact.artifact_id, limit=limit)
    if some:
        _embed(engine, artifact, some)
    return bool(some)


def _embed(engine: Engine, artifact: ImageArtifact, some: Sequence[tuple[str, str, bytes]]) -> None:
    vectors = embed_contents(artifact, [content for _, _, content in some])
    digests = {item_id: digest for item_id, digest, _ in some}
    with writing(engine) as session:
        ours = still_theirs(session, digests=digests)
        rows = [
            ItemEmbedding(item_id, vector.tobytes(), None)
            for item_id, vector in zip(digests, vectors, strict=True)
            if item_id in ours
        ]
        put_embeddings(session, artifact_id=artifact.artifact_id, embeddings=rows)
