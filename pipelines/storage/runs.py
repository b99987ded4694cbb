"""Runs: the executions of training, asked for, under way and done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipelines.storage.tables import Run


def add_run(
    session: Session, *, run_id: str, config: str, settings: Mapping[str, Any], now: datetime
) -> Run:
    """Add a queued run of the config of that name; `settings` is the whole run config."""
    run = Run(
        run_id=run_id, config=config, settings=dict(settings), status="queued", created_at=now
    )
    session.add(run)
    session.flush()
    return run


def get_run(session: Session, *, run_id: str) -> Run | None:
    """The run, or None."""
    return session.scalar(select(Run).where(Run.run_id == run_id))


def list_runs(session: Session, *, limit: int, after: str | None) -> list[Run]:
    """Up to `limit` runs, newest first; after: the run_id that the previous page ended with."""
    query = select(Run).order_by(Run.run_key.desc()).limit(limit)
    if after is not None:
        position = select(Run.run_key).where(Run.run_id == after).scalar_subquery()
        query = query.where(Run.run_key < position)
    return list(session.scalars(query))


def runs_in(session: Session, *, statuses: Sequence[str]) -> list[Run]:
    """All runs with one of these statuses, oldest first."""
    query = select(Run).where(Run.status.in_(statuses)).order_by(Run.run_key)
    return list(session.scalars(query))


def lock_run(session: Session, *, run_id: str) -> Run | None:
    """The run, or None; nobody else changes it before this transaction ends."""
    query = select(Run).where(Run.run_id == run_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def update_running(session: Session, *, run_id: str, **changes: Any) -> bool:
    """Set the named columns; False, and nothing changed, unless the run is running."""
    statement = update(Run).where(Run.run_id == run_id, Run.status == "running").values(**changes)
    return session.scalar(statement.returning(Run.run_key)) is not None


def update_run(session: Session, *, run_id: str, **changes: Any) -> Run | None:
    """Set the named columns; the run as it is now, or None."""
    return session.scalar(
        update(Run)
        .where(Run.run_id == run_id)
        .values(**changes)
        .returning(Run)
        .execution_options(populate_existing=True)
    )
