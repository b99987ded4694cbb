"""Detectors: which there are, what becomes of them, and the tables they wait to be fitted to.

Not their files: `pipelines/watch`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from pipelines.storage.tables import Run
from pipelines.storage.watch_tables import Detector, DetectorTable

READY = "ready"
"""The status of a detector that is fitted; of others it is their run's."""


@dataclass(frozen=True)
class StoredDetector:
    """A detector, and how its run stands."""

    detector_id: str
    over: str
    settings: dict[str, Any]
    manifest: dict[str, Any] | None
    run_id: str
    created_at: datetime
    fitted_at: datetime | None
    status: str
    error: str | None


def add_detector(
    session: Session,
    *,
    detector_id: str,
    over: str,
    settings: Mapping[str, Any],
    table: bytes | None,
    run_id: str,
    now: datetime,
) -> None:
    """Add one that is to be fitted by that run, in the place of one of that id that never was.

    table: the rows to fit it to, where they are not stored anyway.
    """
    session.execute(delete(Detector).where(Detector.detector_id == detector_id))
    row = Detector(
        detector_id=detector_id, over=over, settings=dict(settings), run_id=run_id, created_at=now
    )
    session.add(row)
    session.flush()
    if table is not None:
        session.add(DetectorTable(detector_key=row.detector_key, content=table))
        session.flush()


def get_detector(session: Session, *, detector_id: str) -> StoredDetector | None:
    """The detector, or None."""
    row = session.execute(_stored().where(Detector.detector_id == detector_id)).one_or_none()
    return None if row is None else _detector(*row)


def lock_detector(session: Session, *, detector_id: str) -> StoredDetector | None:
    """The detector, or None; nobody else deletes it, or keeps anything of it, before this
    transaction ends. Whoever locks a run too locks that first.
    """
    query = _stored().where(Detector.detector_id == detector_id).with_for_update(of=Detector)
    row = session.execute(query.execution_options(populate_existing=True)).one_or_none()
    return None if row is None else _detector(*row)


def detector_of_run(session: Session, *, run_id: str) -> StoredDetector | None:
    """The detector that the run is to fit; None when it was deleted, or another run fits it now."""
    row = session.execute(_stored().where(Detector.run_id == run_id)).one_or_none()
    return None if row is None else _detector(*row)


def list_detectors(session: Session, *, limit: int, after: str | None) -> list[StoredDetector]:
    """Up to `limit` detectors, newest first; after: the id that the previous page ended with."""
    query = _stored().order_by(Detector.detector_key.desc()).limit(limit)
    if after is not None:
        position = select(Detector.detector_key).where(Detector.detector_id == after)
        query = query.where(Detector.detector_key < position.scalar_subquery())
    return [_detector(*row) for row in session.execute(query)]


def ready_detectors(session: Session, *, but: Collection[str]) -> list[str]:
    """The ids of the detectors that are fitted, but those over these, oldest first."""
    query = select(Detector.detector_id).where(
        Detector.manifest.is_not(None), Detector.over.not_in(but)
    )
    return list(session.scalars(query.order_by(Detector.detector_key)))


def read_table(session: Session, *, detector_id: str) -> bytes | None:
    """The rows it is to be fitted to, as they were kept; None where none are."""
    query = select(DetectorTable.content).join(Detector).where(Detector.detector_id == detector_id)
    return session.scalar(query)


def set_fitted(
    session: Session, *, detector_id: str, manifest: Mapping[str, Any], now: datetime
) -> bool:
    """It is fitted, and its table goes; False, and nothing changed, when there is no such one."""
    fitted = (
        update(Detector)
        .where(Detector.detector_id == detector_id)
        .values(manifest=dict(manifest), fitted_at=now)
        .returning(Detector.detector_key)
    )
    key = session.scalar(fitted)
    session.execute(delete(DetectorTable).where(DetectorTable.detector_key == key))
    return key is not None


def delete_detector(session: Session, *, detector_id: str) -> bool:
    """Delete it; False when there is none of that id."""
    statement = delete(Detector).where(Detector.detector_id == detector_id)
    return session.scalar(statement.returning(Detector.detector_key)) is not None


def _stored() -> Select[Detector, Run]:
    return select(Detector, Run).outerjoin(Run, Run.run_id == Detector.run_id)


def _detector(row: Detector, run: Run | None) -> StoredDetector:
    fitted = row.manifest is not None
    return StoredDetector(
        detector_id=row.detector_id,
        over=row.over,
        settings=row.settings,
        manifest=row.manifest,
        run_id=row.run_id,
        created_at=row.created_at,
        fitted_at=row.fitted_at,
        status=READY if fitted else run.status if run else "failed",
        error=None if fitted or run is None else run.error,
    )
