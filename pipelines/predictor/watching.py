"""Keeping what is loaded in step with the database, in the background. Not what is loaded."""

import threading
from abc import ABC, abstractmethod

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from pipelines.errors import HourglassError
from pipelines.registry.store import Store

INTERVAL = 1.0
"""Seconds between two looks at which artifact is active, and what is new."""

log = structlog.get_logger()


class Watcher(ABC):
    """Looks at the database again and again; when it fails, what was loaded serves on."""

    nothing: str = "no artifact is active yet"
    """What the status says while nothing is loaded."""

    def __init__(self, engine: Engine, store_url: str) -> None:
        self._engine = engine
        self._store = Store(store_url)
        self._failure: str | None = None
        self._closed = threading.Event()

    @property
    @abstractmethod
    def artifact_id(self) -> str | None:
        """Of what is loaded."""

    @abstractmethod
    def look(self) -> None:
        """Look once, and load what is active unless it is loaded already."""

    def refresh(self) -> None:
        """Look; a failure is logged once and told by `status`."""
        try:
            self.look()
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
        return True, self.artifact_id or self.nothing

    def start(self) -> None:
        """Refresh now, then in the background until closed."""
        self.refresh()
        threading.Thread(target=self._watch, name="active-artifact", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(INTERVAL):
            self.refresh()


def _sentence(error: Exception) -> str:
    """What may be shown to anybody: errors of drivers name hosts and users."""
    if isinstance(error, HourglassError):
        return error.detail
    return f"The active artifact could not be read ({type(error).__name__}); see the log."
