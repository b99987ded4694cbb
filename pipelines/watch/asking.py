"""Asking for a detector, and deleting one. Fits none: a worker does."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from pipelines.errors import FieldError, InvalidInput, NotFound
from pipelines.registry.store import Store
from pipelines.runs.requests import OPEN, cancel_run
from pipelines.storage import detectors, runs
from pipelines.storage.anomalies import forget_finder
from pipelines.storage.detectors import READY, StoredDetector
from pipelines.storage.drifts import forget_drift
from pipelines.watch.detector_files import folder_of
from pipelines.watch.fitting import plan_fit
from pipelines.watch.row_table import RowTable, digest_of, pack
from pipelines.watch.settings import DETECTORS, SENT, DetectorSettings

CONFIG = "detector"
"""What the config of such a run is called."""


@dataclass(frozen=True)
class Asked:
    """The detector that will be there. `new`: a run was added that fits it."""

    detector_id: str
    run_id: str
    status: str
    new: bool


def checked_table(table: RowTable, settings: DetectorSettings) -> bytes:
    """The table as it is kept. Raises InvalidInput where no detector could be fitted to it."""
    plan_fit(table, settings)
    return pack(table)


def request_detector(
    session: Session, settings: DetectorSettings, packed: bytes | None, *, now: datetime
) -> Asked:
    """Ask for a detector; the same settings and table are the same detector, asked for once.

    packed: the table, as `checked_table` gives it, for one over a table.
    """
    run_id = uuid.uuid4().hex
    what = run_id if packed is None else digest_of(packed)
    detector_id = _id_of(settings, what)
    known = detectors.get_detector(session, detector_id=detector_id)
    if known is not None and known.status in (READY, *OPEN):
        return Asked(detector_id, known.run_id, known.status, new=False)
    run_settings: Mapping[str, str] = {"subject": DETECTORS, "detector_id": detector_id}
    runs.add_run(session, run_id=run_id, config=CONFIG, settings=run_settings, now=now)
    detectors.add_detector(
        session,
        detector_id=detector_id,
        over=settings.over,
        settings=settings.values(),
        table=packed,
        run_id=run_id,
        now=now,
    )
    return Asked(detector_id, run_id, "queued", new=True)


def found_detector(session: Session, detector_id: str) -> StoredDetector:
    """The detector. Raises NotFound."""
    return _existing(detectors.get_detector(session, detector_id=detector_id), detector_id)


def held_detector(session: Session, detector_id: str) -> StoredDetector:
    """The detector, locked to the end of the transaction. Raises NotFound."""
    return _existing(detectors.lock_detector(session, detector_id=detector_id), detector_id)


def _existing(detector: StoredDetector | None, detector_id: str) -> StoredDetector:
    if detector is None:
        raise NotFound(
            f"There is no detector {detector_id!r}; `hourglass detectors list` and "
            "GET /v1/detectors list them."
        )
    return detector


def delete_detector(session: Session, *, detector_id: str, now: datetime) -> None:
    """Delete it with all that it found, and call off the run that fits it. Raises NotFound.

    Its files are to be removed once this is committed: `remove_detector_files`.
    """
    run = runs.lock_run(session, run_id=found_detector(session, detector_id).run_id)
    if run is not None and run.status in OPEN:
        cancel_run(session, run_id=run.run_id, now=now)
    held_detector(session, detector_id)
    forget_finder(session, finder=detector_id)
    forget_drift(session, finder=detector_id)
    detectors.delete_detector(session, detector_id=detector_id)


def remove_detector_files(store: Store, detector_id: str) -> None:
    """Remove what a deleted detector left in the store."""
    store.remove(folder_of(detector_id))


def check_rows(settings: DetectorSettings, *, sent: bool) -> None:
    """Raise InvalidInput unless rows are sent for a detector over a table, and for no other."""
    if sent == (settings.over in SENT):
        return
    if sent:
        detail = f"A detector over {settings.over} learns from what is stored; send no rows."
    else:
        detail = (
            f"A detector over a {settings.over} needs rows: as `rows`, or a body of CSV or Parquet."
        )
    raise InvalidInput(detail, errors=[FieldError("/rows", detail)])


def _id_of(settings: DetectorSettings, what: str) -> str:
    """Made of the settings and of what it is fitted to."""
    content = json.dumps([settings.values(), what], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    return f"{settings.name or settings.over}-{digest}"
