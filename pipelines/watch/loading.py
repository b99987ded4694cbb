"""Detectors ready to score: read from the store once a process, and checked. Not how they score."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import torch
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.detectors.explanation import UNATTRIBUTED
from models.detectors.regions import RegionDetector
from models.detectors.told import Detector
from pipelines.errors import Conflict, NotReady
from pipelines.registry.store import Store
from pipelines.runs.requests import OPEN
from pipelines.storage.detectors import READY, StoredDetector, lock_detector
from pipelines.storage.engine import reading
from pipelines.storage.watch_tables import DetectorWeights
from pipelines.storage.weights import last_weights
from pipelines.watch.asking import found_detector
from pipelines.watch.detector_files import read_detector
from pipelines.watch.references import References
from pipelines.watch.settings import DetectorSettings, settings_of

KEPT: Final = 8
"""Detectors that a process holds, the last used."""


@dataclass(frozen=True)
class LoadedDetector:
    """A detector ready to score. `detector_id` is None for one that is not stored."""

    detector_id: str | None
    settings: DetectorSettings
    manifest: Mapping[str, Any]
    detector: Detector
    references: References | None = None
    """What the rows of training were like; None: that was not kept yet."""
    version: int = 0
    """How often labels weighed its columns anew."""
    weighed_by: str | None = None
    """The run that did it last: a version that was undone, and made anew, is another."""

    @property
    def source(self) -> str:
        """What scores came of: the detector, and the run that weighed it."""
        return source_of(self.detector_id or "", self.weighed_by)

    @property
    def weights(self) -> dict[str, float]:
        """What each column counts, and what none of them adds."""
        return named_weights(self.detector)

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Columns that rows may have, and that are not looked at."""
        return tuple(each["column"] for each in self.manifest["left_out"])


class LoadedDetectors:
    """The detectors of one database; each is read when it is first asked for."""

    def __init__(self, engine: Engine, store_url: str) -> None:
        self._engine = engine
        self._store = Store(store_url)
        self._lock = Lock()
        self._loaded: OrderedDict[str, LoadedDetector] = OrderedDict()

    def get(self, detector_id: str) -> LoadedDetector:
        """The detector, which may be a second old or a year. Raises as `load_detector`."""
        stored, weights = _read(self._engine, detector_id)
        present = (stored.manifest, weights and weights.run_id)
        with self._lock:
            loaded = self._loaded.get(detector_id)
        if loaded is None or (loaded.manifest, loaded.weighed_by) != present:
            loaded = _loaded(self._store, stored, weights)
        with self._lock:
            self._loaded[detector_id] = loaded
            self._loaded.move_to_end(detector_id)
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
        return loaded


def load_detector(engine: Engine, store: Store, detector_id: str) -> LoadedDetector:
    """The detector of that id. Raises NotFound, NotReady while it is being fitted, Conflict where
    that failed or was another version's, DamagedArtifact.
    """
    return _loaded(store, *_read(engine, detector_id))


def _read(engine: Engine, detector_id: str) -> tuple[StoredDetector, DetectorWeights | None]:
    """The detector and its weights, as SQL knows them at one moment. Raises as `load_detector`."""
    with reading(engine) as session:
        stored = found_detector(session, detector_id)
        weights = last_weights(session, detector_id=detector_id)
    if stored.status in OPEN:
        raise NotReady(
            f"Detector {detector_id} is {stored.status}; GET /v1/runs/{stored.run_id} and "
            f"`hourglass runs show {stored.run_id}` say how far it is. A worker fits it."
        )
    if stored.status != READY:
        why = f": {stored.error}" if stored.error else "."
        raise Conflict(f"Detector {detector_id} was never fitted, its run is {stored.status}{why}")
    return stored, weights


def source_of(detector_id: str, weighed_by: str | None) -> str:
    """What scores of a detector came of, by the run that weighed it last."""
    return f"{detector_id}@{weighed_by}" if weighed_by else detector_id


def hold(session: Session, loaded: LoadedDetector) -> None:
    """Lock a detector, for whoever keeps what it said. Raises Conflict where it was deleted, or
    weighed anew, since it was loaded.
    """
    detector_id = loaded.detector_id or ""
    if lock_detector(session, detector_id=detector_id) is None:
        raise Conflict(f"Detector {detector_id} was deleted meanwhile; nothing is kept.")
    weights = last_weights(session, detector_id=detector_id)
    if (weights and weights.run_id) != loaded.weighed_by:
        raise Conflict(
            f"The weights of detector {detector_id} changed meanwhile; nothing is kept. Ask again."
        )


def named_weights(detector: Detector) -> dict[str, float]:
    """What each column counts, by its name, and what none of them adds."""
    names = [*detector.column_names, UNATTRIBUTED]
    return dict(zip(names, detector.column_weights.tolist(), strict=True))


def with_weights(detector: Detector, weights: Mapping[str, float]) -> Detector:
    """The detector with these, by the names of its columns."""
    values = torch.tensor([weights[name] for name in named_weights(detector)], dtype=torch.float64)
    return detector.weigh(values)


def _loaded(
    store: Store, stored: StoredDetector, weights: DetectorWeights | None
) -> LoadedDetector:
    assert stored.manifest is not None
    detector, references = read_detector(store, stored.detector_id, stored.manifest)
    if stored.over == "images" and not isinstance(detector, RegionDetector):
        raise Conflict(
            f"Detector {stored.detector_id} is of before images were seen in colour, by regions; "
            "delete it, and ask for another."
        )
    if weights is not None:
        detector = with_weights(detector, weights.weights)
    return LoadedDetector(
        stored.detector_id,
        settings_of(stored.settings),
        stored.manifest,
        detector,
        references,
        version=weights.version if weights else 0,
        weighed_by=weights.run_id if weights else None,
    )
