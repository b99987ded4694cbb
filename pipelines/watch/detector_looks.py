"""The step of the watch in which every detector looks at all that it is over. Not how it scores.

Detectors over tables and series are left out: their rows are not stored.
"""

from datetime import UTC, datetime
from typing import Any

import structlog

from pipelines.errors import HourglassError
from pipelines.runs.steps import Parts
from pipelines.storage.detectors import ready_detectors
from pipelines.storage.engine import reading, writing
from pipelines.training.progress import Progress
from pipelines.watch.answers import MAX_EXPLAINED, Wanted, score_wanted
from pipelines.watch.config import WatchConfig, watch_config_of
from pipelines.watch.figures import add_figures
from pipelines.watch.loading import load_detector
from pipelines.watch.scoring import Rule
from pipelines.watch.settings import SENT

log = structlog.get_logger()


def look_at_detectors(parts: Parts) -> None:
    """Let each detector score all that it is over, and keep its findings under its id. One
    that cannot is told in the metrics, and stops no other. Raises RunCancelled.
    """
    config = watch_config_of(parts.settings)
    with reading(parts.engine) as session:
        detector_ids = ready_detectors(session, but=SENT)
    figures = {}
    for num, detector_id in enumerate(detector_ids):
        parts.on_progress(Progress("detectors", num, len(detector_ids)))
        figures[detector_id] = _look(parts, detector_id, config)
    with writing(parts.engine) as session:
        add_figures(session, run_id=parts.run_id, figures={"detectors": figures})


def _look(parts: Parts, detector_id: str, config: WatchConfig) -> dict[str, Any]:
    """What came of the look of one detector, for the metrics of the run."""
    rate = config.false_discovery_rate
    rule = Rule(config.alert_rate) if rate is None else Rule(false_discovery_rate=rate)
    try:
        loaded = load_detector(parts.engine, parts.store, detector_id)
        n = min(config.kept, max(1, MAX_EXPLAINED // len(loaded.detector.column_names)))
        wanted = Wanted(n=n, keep=True, contributions=False)
        found = score_wanted(parts.engine, loaded, wanted, rule, now=datetime.now(UTC))
    except HourglassError as error:
        log.warning("a detector did not look", detector_id=detector_id, reason=error.detail)
        return {"problem": error.detail}
    ids = [each.anomaly_id for each in found.rows]
    ids += [each.anomaly_id for each in found.stretches or ()]
    kept = sum(each is not None for each in ids)
    return {"looked_at": found.n_scored, "anomalies": found.n_anomalies, "kept": kept}
