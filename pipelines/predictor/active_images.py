"""Which artifact about images answers in this process, and where all images lie by it.

Reads only; who embeds is `pipelines/images`.
"""

from dataclasses import dataclass

import numpy as np
import structlog
import torch
from sqlalchemy.orm import Session
from torch import Tensor
from torch.nn import functional as F

from models.scoring.ranking import top_n
from pipelines.errors import NotReady
from pipelines.images.artifact import ImageArtifact, read_image_artifact
from pipelines.predictor.predictor import Ranked
from pipelines.predictor.watching import Watcher
from pipelines.storage.artifacts import active_artifact_id
from pipelines.storage.embeddings import iterate_embeddings
from pipelines.storage.engine import reading
from pipelines.storage.images import ImageState, image_state
from pipelines.storage.tables import IMAGES

log = structlog.get_logger()


@dataclass(frozen=True)
class LiveImages:
    """One artifact with the embeddings of the images as they were at `state`; unit (n, width)."""

    artifact: ImageArtifact
    item_ids: tuple[str, ...]
    unit: Tensor
    state: ImageState

    def nearest(self, vector: Tensor, *, n: int, excluded: str | None = None) -> Ranked:
        """The n images whose embeddings point most nearly the same way, by cosine."""
        if not self.item_ids:
            return []
        scores = self.unit @ F.normalize(vector, dim=0)
        values, nums = top_n(scores[None], n + 1)
        pairs = zip(nums[0].tolist(), values[0].tolist(), strict=True)
        found = [(self.item_ids[num], score) for num, score in pairs]
        return [pair for pair in found if pair[0] != excluded][:n]


class ActiveImages(Watcher):
    """The active artifact about images. A swap is one assignment, embeddings included."""

    nothing = "no artifact about images is active yet"

    _live: LiveImages | None = None

    @property
    def artifact_id(self) -> str | None:
        return self._live.artifact.artifact_id if self._live else None

    @property
    def artifact(self) -> ImageArtifact | None:
        """None when no artifact about images is active."""
        return self._live.artifact if self._live else None

    def look(self) -> None:
        """Load the active artifact unless it is loaded, and the embeddings that came since."""
        with reading(self._engine) as session:
            artifact_id = active_artifact_id(session, subject=IMAGES)
        if artifact_id is None:
            self._live = None
            return
        if artifact_id != self.artifact_id:
            artifact = read_image_artifact(self._store, artifact_id)
            with reading(self._engine) as session:
                self._live = _read_live(session, artifact)
            log.info("artifact about images loaded", artifact_id=artifact_id)
        with reading(self._engine) as session:
            self.live(session)

    def required(self) -> ImageArtifact:
        """The artifact, for what needs no neighbours. Raises NotReady where there is none."""
        return self._loaded().artifact

    def live(self, session: Session) -> LiveImages:
        """The artifact with the embeddings as they are now. Raises NotReady where there is none."""
        live = self._loaded()
        artifact_id = live.artifact.artifact_id
        if image_state(session, artifact_id=artifact_id) == live.state:
            return live
        if active_artifact_id(session, subject=IMAGES) != artifact_id:
            return live  # its embeddings may be gone; in a moment another is loaded
        now = _read_live(session, live.artifact)
        if self._live is live:  # nobody has loaded later ones, or another artifact, meanwhile
            self._live = now
        return now

    def _loaded(self) -> LiveImages:
        live = self._live
        if live is None:
            raise NotReady(
                "No artifact about images is active yet. PUT /v1/items/ITEM_ID/image or "
                "`hourglass import FOLDER`, then run `hourglass train convolutional`."
            )
        return live


def _read_live(session: Session, artifact: ImageArtifact) -> LiveImages:
    state = image_state(session, artifact_id=artifact.artifact_id)
    rows = list(iterate_embeddings(session, artifact_id=artifact.artifact_id))
    vectors = np.frombuffer(b"".join(row.vector for row in rows), dtype="<f4")
    width = artifact.network.config.latent_dim
    matrix = torch.from_numpy(vectors.reshape(len(rows), width).copy())
    item_ids = tuple(row.item_id for row in rows)
    return LiveImages(artifact, item_ids, F.normalize(matrix, dim=1), state)
