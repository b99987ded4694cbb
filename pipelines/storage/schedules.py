"""Schedules: when runs are asked for. Not how a clock is read: `pipelines/runs/schedules.py`."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipelines.storage.tables import Schedule


def get_schedule(session: Session, *, name: str) -> Schedule | None:
    """The schedule, or None."""
    return session.scalar(select(Schedule).where(Schedule.name == name))


def list_schedules(session: Session, *, limit: int, after: str | None) -> list[Schedule]:
    """Up to `limit` schedules by name; after: the name that the previous page ended with."""
    query = select(Schedule).order_by(Schedule.name).limit(limit)
    if after is not None:
        query = query.where(Schedule.name > after)
    return list(session.scalars(query))


def lock_schedule(session: Session, *, name: str) -> Schedule | None:
    """The schedule, or None; nobody else changes it before this transaction ends."""
    return session.scalar(select(Schedule).where(Schedule.name == name).with_for_update())


def add_schedule(session: Session, schedule: Schedule) -> Schedule:
    """Add a new one."""
    session.add(schedule)
    session.flush()
    return schedule


def delete_schedule(session: Session, *, name: str) -> bool:
    """Delete it; False when there is none of that name."""
    statement = delete(Schedule).where(Schedule.name == name).returning(Schedule.schedule_key)
    return session.scalar(statement) is not None


def due_names(session: Session, *, now: datetime) -> list[str]:
    """The names of those whose time has come."""
    query = select(Schedule.name).where(Schedule.due_at <= now, Schedule.paused.is_(False))
    return list(session.scalars(query))


def drift_names(session: Session) -> list[str]:
    """The names of those that wait for drift."""
    waiting = Schedule.on_drift.is_(True)
    return list(session.scalars(select(Schedule.name).where(waiting, Schedule.paused.is_(False))))


def counting_names(session: Session) -> list[str]:
    """The names of those that wait for new interactions."""
    counting = Schedule.after_interactions.is_not(None)
    return list(session.scalars(select(Schedule.name).where(counting, Schedule.paused.is_(False))))
