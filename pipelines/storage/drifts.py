"""Reports of drift: the last one of each who looks. Not how drift is told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipelines.storage.bulk import insert_into
from pipelines.storage.watch_tables import Drift


def put_drift(
    session: Session,
    *,
    finder: str,
    source: str | None,
    status: str,
    inputs: Mapping[str, Any],
    run_id: str | None,
    now: datetime,
) -> None:
    """Put this report in the place of the finder's last one."""
    values = {
        "source": source,
        "status": status,
        "inputs": dict(inputs),
        "run_id": run_id,
        "measured_at": now,
    }
    insert = insert_into(session, Drift).values(finder=finder, **values)
    session.execute(insert.on_conflict_do_update(index_elements=[Drift.finder], set_=values))


def get_drift(session: Session, *, finder: str) -> Drift | None:
    """The last report of who looks, or None."""
    return session.scalar(select(Drift).where(Drift.finder == finder))


def list_drifts(session: Session) -> list[Drift]:
    """The last report of each, by the name of who looks."""
    return list(session.scalars(select(Drift).order_by(Drift.finder)))


def forget_drift(session: Session, *, finder: str) -> None:
    """Delete its report: for a detector that is deleted."""
    session.execute(delete(Drift).where(Drift.finder == finder))
