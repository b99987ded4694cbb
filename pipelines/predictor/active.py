"""Which predictor answers in this process: that of the active artifact, kept up to date.

Reads only; promotion is `pipelines/registry`.
"""

import structlog
from sqlalchemy.orm import Session

from pipelines.content.cold import ColdCatalogue
from pipelines.predictor.predictor import Predictor
from pipelines.predictor.watching import Watcher
from pipelines.registry.artifact import Artifact, read_artifact
from pipelines.storage.artifacts import active_artifact_id
from pipelines.storage.engine import reading

log = structlog.get_logger()


class ActivePredictor(Watcher):
    """The active artifact's predictor. A swap is one assignment: a request sees the one or the
    other, never a mixture.
    """

    _predictor: Predictor | None = None
    _cold: ColdCatalogue | None = None

    @property
    def artifact_id(self) -> str | None:
        return self._predictor.artifact_id if self._predictor else None

    def get(self) -> Predictor | None:
        """The predictor now; None when no artifact is active."""
        return self._predictor

    def look(self) -> None:
        """Load the active artifact unless it is loaded already, and take the items that have come
        since.
        """
        with reading(self._engine) as session:
            artifact_id = active_artifact_id(session)
        self._load(artifact_id)
        self._take_cold_items()

    def _load(self, artifact_id: str | None) -> None:
        if artifact_id == self.artifact_id:
            return
        if artifact_id is None:
            self._predictor = self._cold = None
            return
        predictor = Predictor(read_artifact(self._store, artifact_id))
        self._cold = cold_catalogue(predictor)
        self._predictor = predictor
        log.info("artifact loaded", artifact_id=artifact_id)

    def _take_cold_items(self) -> None:
        if self._predictor is None or self._cold is None:
            return
        with reading(self._engine) as session:
            cold = self._cold.refresh(session)
        if cold is not self._predictor.cold:
            self._predictor = self._predictor.with_cold(cold)


def cold_catalogue(predictor: Predictor) -> ColdCatalogue | None:
    """The items that the predictor may score by content; None where it has no tower."""
    if predictor.tower is None:
        return None
    return ColdCatalogue(predictor.tower, predictor.vocabulary)


def single_predictor(session: Session, artifact: Artifact) -> Predictor:
    """The predictor of an artifact with the cold items as they are now, for a single use."""
    predictor = Predictor(artifact)
    cold = cold_catalogue(predictor)
    return predictor if cold is None else predictor.with_cold(cold.refresh(session))
