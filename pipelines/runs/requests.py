"""Asking for a run, and calling one off. Carries none out: a worker does.

A queued row is all that a request leaves. The worker finds it there, so that nothing is lost when
no worker runs, or when the one who asked dies.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from models.errors import choice_error
from pipelines.errors import Conflict, FieldError, InvalidInput, NotFound
from pipelines.storage import runs
from pipelines.storage.tables import Run
from pipelines.training.named import run_names
from pipelines.training.run_config import RunConfig, named_run, with_options
from pipelines.watch.config import WATCH, WatchConfig, with_watch_options

OPEN = ("queued", "running")
"""Statuses of runs that are not over."""


def requested_config(
    name: str,
    *,
    seed: int | None = None,
    epochs: int | None = None,
    budget_seconds: float | None = None,
    alert_rate: float | None = None,
    false_discovery_rate: float | None = None,
) -> RunConfig | WatchConfig:
    """The named run with these options. Raises InvalidInput that lists the names there are."""
    training = {"epochs": epochs, "budget_seconds": budget_seconds}
    watch = {"alert_rate": alert_rate, "false_discovery_rate": false_discovery_rate}
    _refuse(name, training if name == WATCH else watch)
    if name == WATCH:
        return with_watch_options(WatchConfig(), seed=seed, **watch)
    try:
        return with_options(
            named_run(name), seed=seed, epochs=epochs, budget_seconds=budget_seconds
        )
    except NotFound:
        detail = choice_error("config", name, [*run_names(), WATCH]).detail
        raise InvalidInput(detail, errors=[FieldError("/config", detail)]) from None


def _refuse(name: str, options: Mapping[str, float | None]) -> None:
    """Raise InvalidInput where one of the options is given, which this run does not have."""
    for option, value in options.items():
        if value is not None:
            detail = f"The run {name} has no option {option}; leave it out."
            raise InvalidInput(detail, errors=[FieldError(f"/{option}", detail)])


def request_run(session: Session, config: RunConfig | WatchConfig, *, now: datetime) -> Run:
    """Add a queued run; a worker takes it when those before it are over."""
    return runs.add_run(
        session, run_id=uuid.uuid4().hex, config=config.name, settings=config.values(), now=now
    )


def cancel_run(session: Session, *, run_id: str, now: datetime) -> Run:
    """Call a run off: from now on it is cancelled, and its worker stops between two batches.

    Raises NotFound, or Conflict when it is over.
    """
    run = runs.lock_run(session, run_id=run_id)
    if run is None:
        detail = f"There is no run {run_id!r}; `hourglass runs list` and GET /v1/runs list them."
        raise NotFound(detail, errors=[FieldError("/run_id", detail)])
    if run.status not in OPEN:
        raise Conflict(f"Run {run_id} is {run.status} already; there is nothing to cancel.")
    run.status = "cancelled"
    run.error = "It was cancelled on request."
    run.finished_at = now
    session.flush()
    return run
