"""Findings as they are shown: whether what gave them their score still does. Not how they come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from pipelines.errors import NotFound
from pipelines.predictor.baseline import BASELINE
from pipelines.storage.anomalies import ALL, AnomalyFilter, StoredAnomaly, get_anomaly
from pipelines.storage.anomalies import list_anomalies as stored_anomalies
from pipelines.storage.artifacts import active_artifact_id
from pipelines.storage.tables import IMAGES
from pipelines.storage.weights import weighed_by
from pipelines.watch.group_findings import SOURCE as GROUPS
from pipelines.watch.loading import source_of


@dataclass(frozen=True)
class ShownAnomaly(StoredAnomaly):
    """A finding. `stale`: its score came of what answers no more: an artifact that is not active,
    weights that were replaced or undone. Another look, or scoring again, tells what is strange now.
    """

    stale: bool


def list_anomalies(
    session: Session,
    *,
    limit: int,
    after: tuple[float, float, str] | None,
    wanted: AnomalyFilter = ALL,
    stale: bool | None = None,
) -> list[ShownAnomaly]:
    """As `pipelines.storage.anomalies.list_anomalies`; stale: only those, or only the others."""
    live = live_sources(session)
    if stale is not None:
        wanted = replace(wanted, not_sources=live) if stale else replace(wanted, sources=live)
    rows = stored_anomalies(session, limit=limit, after=after, wanted=wanted)
    return [_shown(row, live) for row in rows]


def found_anomaly(session: Session, anomaly_id: str) -> ShownAnomaly:
    """The finding. Raises NotFound."""
    anomaly = get_anomaly(session, anomaly_id=anomaly_id)
    if anomaly is None:
        raise NotFound(
            f"There is no anomaly {anomaly_id!r}; GET /v1/anomalies and `hourglass anomalies list` "
            "list what there is now."
        )
    return _shown(anomaly, live_sources(session))


def live_sources(session: Session) -> tuple[str, ...]:
    """What scores come of now."""
    active = active_artifact_id(session)
    of_images = active_artifact_id(session, subject=IMAGES)
    detectors = [source_of(*each) for each in weighed_by(session).items()]
    return (active or BASELINE, *([of_images] if of_images else []), GROUPS, *detectors)


def _shown(row: StoredAnomaly, live: Sequence[str]) -> ShownAnomaly:
    return ShownAnomaly(**vars(row), stale=row.source not in live)
