"""The steps of a run that fits a detector. Those of networks, and what a step is:
`pipelines/runs/steps.py`.
"""

from datetime import UTC, datetime
from typing import Final

from pipelines.registry.store import Store
from pipelines.runs.folders import CHECKPOINTS, SNAPSHOTS
from pipelines.runs.reporting import RunCancelled
from pipelines.runs.steps import Parts, Step, check_running
from pipelines.storage import detectors, runs
from pipelines.storage.detectors import StoredDetector
from pipelines.storage.engine import reading, writing
from pipelines.training.progress import Progress
from pipelines.watch.asking import remove_detector_files
from pipelines.watch.detector_files import folder_of, pack_detector, read_files, write_files
from pipelines.watch.fitting import fit_table
from pipelines.watch.row_table import digest_of, pack, unpack
from pipelines.watch.settings import settings_of
from pipelines.watch.stored import drawn_to_fit, what_is_stored

DELETED: Final = "The detector of this run was deleted."


def take_table(parts: Parts) -> None:
    """Keep the rows to fit to, once and for all of the run."""
    parts.on_progress(Progress("reading", 0, 1))
    detector = _detector(parts)
    with reading(parts.engine) as session:
        content = detectors.read_table(session, detector_id=detector.detector_id)
        if content is None:
            settings = settings_of(detector.settings)
            content = pack(drawn_to_fit(what_is_stored(session, settings), settings))
    _home(parts).write(f"{SNAPSHOTS}/{parts.run_id}/table", content, writer="run")


def fit_detector(parts: Parts) -> None:
    """Fit, from the beginning where an earlier try died: that takes minutes at most."""
    detector, content = _detector(parts), _table(parts)

    def tell(what: str, done: int, total: int) -> None:
        parts.on_progress(Progress(f"fitting: {what}", done, total))

    fitted = fit_table(unpack(content), settings_of(detector.settings), on_step=tell)
    facts = {"over": detector.over, "settings": detector.settings, **fitted.facts}
    about = {**facts, "digest": digest_of(content)}
    packed = pack_detector(fitted.detector, fitted.references, about)
    write_files(_home(parts), _fitted(parts), packed, writer="run")


def publish_detector(parts: Parts) -> None:
    """Write the files into the store, and let the detector answer from now on. Raises
    RunCancelled.
    """
    parts.on_progress(Progress("writing", 0, 1))
    detector, now = _detector(parts), datetime.now(UTC)
    packed = read_files(_home(parts), _fitted(parts))
    write_files(parts.store, folder_of(detector.detector_id), packed, writer=parts.run_id)
    manifest = packed.manifest
    metrics = {name: manifest[name] for name in ("n_train", "n_calibration", "contamination")}
    try:
        with writing(parts.engine) as session:
            check_running(runs.lock_run(session, run_id=parts.run_id), parts.run_id)
            if not detectors.set_fitted(
                session, detector_id=detector.detector_id, manifest=manifest, now=now
            ):
                raise RunCancelled(DELETED)
            runs.update_run(
                session, run_id=parts.run_id, status="finished", metrics=metrics, finished_at=now
            )
    except RunCancelled:
        _take_back(parts, detector.detector_id)
        raise


DETECTOR_STEPS: tuple[tuple[str, Step], ...] = (
    ("table", take_table),
    ("fit", fit_detector),
    ("publish", publish_detector),
)
"""In their order; the names are in the records of runs under way."""


def _detector(parts: Parts) -> StoredDetector:
    with reading(parts.engine) as session:
        detector = detectors.detector_of_run(session, run_id=parts.run_id)
    if detector is None:
        raise RunCancelled(DELETED)
    return detector


def _take_back(parts: Parts, detector_id: str) -> None:
    """Remove the files that were written in vain, unless another run fits that detector now: it
    writes the same ones, or has.
    """
    with writing(parts.engine) as session:
        present = detectors.lock_detector(session, detector_id=detector_id)
        if present is None or present.run_id == parts.run_id:
            remove_detector_files(parts.store, detector_id)


def _table(parts: Parts) -> bytes:
    try:
        return _home(parts).read(f"{SNAPSHOTS}/{parts.run_id}/table")
    except FileNotFoundError:
        raise parts.files.elsewhere() from None


def _fitted(parts: Parts) -> str:
    return f"{CHECKPOINTS}/{parts.run_id}/detector"


def _home(parts: Parts) -> Store:
    return Store(str(parts.home))
