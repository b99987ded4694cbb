"""What a run under way writes into its row, and how it learns that it was cancelled.

A run that is cancelled is no longer `running`: the next report finds that out. The row is written
about once a second, however often a step reports.
"""

import time
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from pipelines.errors import HourglassError
from pipelines.storage import runs
from pipelines.storage.engine import writing
from pipelines.training.progress import Progress

INTERVAL = 1.0
"""Seconds between two reports of the same phase."""

log = structlog.get_logger()


class RunCancelled(HourglassError):
    """Somebody cancelled the run while it was under way."""

    slug = "run-cancelled"
    title = "The run was cancelled"


class Reporter:
    """Reports one run. Calling it is an `OnProgress`; raises RunCancelled."""

    def __init__(self, engine: Engine, run_id: str) -> None:
        self._engine = engine
        self._run_id = run_id
        self._phase: str | None = None
        self._reported = 0.0

    def __call__(self, progress: Progress) -> None:
        """Write the progress unless this phase was reported less than a second ago."""
        now = time.monotonic()
        if progress.phase == self._phase and now - self._reported < INTERVAL:
            return
        self._phase, self._reported = progress.phase, now
        try:
            running = self._write(progress)
        except DBAPIError as error:  # the training can do without its row for a while
            log.warning("progress was not written", run_id=self._run_id, error=str(error.orig))
            return
        if not running:
            raise RunCancelled(f"Run {self._run_id} was cancelled.")

    def _write(self, progress: Progress) -> bool:
        with writing(self._engine) as session:
            return runs.update_running(
                session, run_id=self._run_id, phase=progress.phase, progress=_values(progress)
            )


def _values(progress: Progress) -> dict[str, Any]:
    return {
        "fraction": round(progress.done / max(progress.total, 1), 4),
        "epoch": progress.epoch,
        "epochs": progress.epochs,
        "loss": progress.loss,
        "metric": progress.metric,
        "reported_at": datetime.now(UTC).isoformat(),
    }
