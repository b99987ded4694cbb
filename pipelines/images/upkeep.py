"""Embeddings of images that came otherwise than through a request, a little at a time.

For the worker that leads: one process embeds, all others read.
"""

import structlog
from sqlalchemy import Engine

from pipelines.errors import HourglassError
from pipelines.images.artifact import ImageArtifact, read_image_artifact
from pipelines.images.embedding import embed_some
from pipelines.registry.store import Store
from pipelines.storage.artifacts import image_artifact_ids
from pipelines.storage.engine import AWAY, reading
from pipelines.storage.images import image_state

CHUNK = 64
"""Images that are embedded between two looks at what else there is to do."""

log = structlog.get_logger()


class ImageUpkeep:
    """Sees to it that each image has an embedding by every artifact whose embeddings are read."""

    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine = engine
        self._store = store
        self._artifacts: dict[str, ImageArtifact] = {}
        self._failures: dict[str, str] = {}
        """Why nothing could be embedded by an artifact, as the log has it."""

    def embed_some(self) -> bool:
        """Embed a chunk by one of the artifacts that lack some; False where nothing was to do.

        Raises what a database raises that is away or busy (`AWAY`).
        """
        with reading(self._engine) as session:
            wanted = image_artifact_ids(session)
            states = {each: image_state(session, artifact_id=each) for each in wanted}
        for artifact_id in self._artifacts.keys() - states.keys():
            del self._artifacts[artifact_id]
        lacking = [each for each, state in states.items() if state.n_embeddings < state.n_images]
        return any(self._embed(each) for each in lacking)

    def _embed(self, artifact_id: str) -> bool:
        try:
            if artifact_id not in self._artifacts:
                self._artifacts[artifact_id] = read_image_artifact(self._store, artifact_id)
            return embed_some(self._engine, self._artifacts[artifact_id], limit=CHUNK)
        except AWAY:
            raise
        except Exception as error:  # whatever it is, runs and schedules must go on
            reason = str(error)
            if reason != self._failures.get(artifact_id):
                foreseen = isinstance(error, HourglassError)
                log.error("images are not embedded", reason=reason, exc_info=not foreseen)
            self._failures[artifact_id] = reason
            return False
