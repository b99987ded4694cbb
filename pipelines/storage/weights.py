"""Weights that labels gave to a detector's columns, version by version. Not how they are found."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipelines.storage.watch_tables import Detector, DetectorWeights


def last_weights(session: Session, *, detector_id: str) -> DetectorWeights | None:
    """The newest weights of a detector; None: it has those that it was fitted with."""
    query = select(DetectorWeights).join(Detector).where(Detector.detector_id == detector_id)
    return session.scalars(query.order_by(DetectorWeights.version.desc()).limit(1)).first()


def weighed_by(session: Session) -> dict[str, str | None]:
    """Of each detector the run that weighed it last; None: it is as it was fitted."""
    query = (
        select(Detector.detector_id, DetectorWeights.run_id)
        .outerjoin(DetectorWeights)
        .order_by(Detector.detector_id, DetectorWeights.version)  # of several the last stays
    )
    return dict(session.execute(query).all())


def add_weights(
    session: Session,
    *,
    detector_id: str,
    weights: Mapping[str, float],
    figures: Mapping[str, Any],
    run_id: str,
    now: datetime,
) -> int:
    """Add a version; its number. For a caller who locked the detector."""
    query = select(Detector.detector_key).where(Detector.detector_id == detector_id)
    key = session.scalars(query).one()
    last = last_weights(session, detector_id=detector_id)
    version = 1 if last is None else last.version + 1
    session.add(
        DetectorWeights(
            detector_key=key,
            version=version,
            weights=dict(weights),
            figures=dict(figures),
            run_id=run_id,
            made_at=now,
        )
    )
    session.flush()
    return version


def delete_last_weights(session: Session, *, detector_id: str) -> int | None:
    """Delete the newest version; its number, or None where there is none. For a caller who locked
    the detector.
    """
    last = last_weights(session, detector_id=detector_id)
    if last is None:
        return None
    session.execute(
        delete(DetectorWeights).where(
            DetectorWeights.detector_key == last.detector_key,
            DetectorWeights.version == last.version,
        )
    )
    return last.version
