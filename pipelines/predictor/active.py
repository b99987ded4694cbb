"""Which predictor answers in this process: that of the active artifact, kept up to date.

Reads only; promotion is `pipelines/registry`.
"""

import threading

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from pipelines.content.cold import ColdCatalogue
from pipelines.errors import HourglassError
from pipelines.predictor.predictor import Predictor
from pipelines.registry.artifact import Artifact, read_artifact
from pipelines.registry.store import Store
from pipelines.storage.artifacts import active_artifact_id
from pipelines.storage.engine import reading

INTERVAL = 1.0
"""Seconds between two looks at which artifact is active, and which items are new."""

log = structlog.get_logger()


class ActivePredictor:
    """The active artifact's predictor. A swap is one assignment: a request sees the one or the
    other, never a mixture, and the former serves on when the new one cannot be loaded.
    """

    def __init__(self, engine: Engine, store_url: str) -> None:
        self._engine = engine
        self._store = Store(store_url)
        self._predictor: Predictor | None = None
        self._cold: ColdCatalogue | None = None
        self._failure: str | None = None
        self._closed = threading.Event()

    def get(self) -> Predictor | None:
        """The predictor now; None when no artifact is active."""
        return self._predictor

    def refresh(self) -> None:
        """Look at the database: load the active artifact unless it is loaded already, and take the
        items that have come since.
        """
        try:
            with reading(self._engine) as session:
                artifact_id = active_artifact_id(session)
            self._load(artifact_id)
            self._take_cold_items()
            self._failure = None
        except Exception as error:  # whatever it is, the former artifact must serve on
            failure = _sentence(error)
            if failure != self._failure:
                foreseen = isinstance(error, HourglassError | OperationalError | InterfaceError)
                reason = str(getattr(error, "orig", error))
                log.error("the active artifact is not loaded", reason=reason, exc_info=not foreseen)
            self._failure = failure

    def status(self) -> tuple[bool, str]:
        """Whether what is active is loaded, and a sentence that says so."""
        if self._failure is not None:
            return False, self._failure
        if self._predictor is None:
            return True, "no artifact is active yet"
        return True, self._predictor.artifact_id

    def start(self) -> None:
        """Refresh now, then in the background until closed."""
        self.refresh()
        threading.Thread(target=self._watch, name="active-artifact", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(INTERVAL):
            self.refresh()

    def _load(self, artifact_id: str | None) -> None:
        loaded = self._predictor.artifact_id if self._predictor else None
        if artifact_id == loaded:
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


def _sentence(error: Exception) -> str:
    """What may be shown to anybody: errors of drivers name hosts and users."""
    if isinstance(error, HourglassError):
        return error.detail
    return f"The active artifact could not be read ({type(error).__name__}); see the log."
