"""What a run says in its metrics of what it looked at. Not what it found."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from pipelines.runs.steps import check_running
from pipelines.storage import runs


def add_figures(session: Session, *, run_id: str, figures: Mapping[str, Any]) -> None:
    """Add these to the metrics of a run, and lock it to the end of the transaction.

    Raises RunCancelled unless it is running.
    """
    run = runs.lock_run(session, run_id=run_id)
    check_running(run, run_id)
    metrics = {**((run and run.metrics) or {}), **figures}
    runs.update_run(session, run_id=run_id, metrics=metrics)
