"""What one finding is judged by, read for a single use: by a command, not by the service."""

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.predictor.predictor import Predictor
from pipelines.registry.registry import read_active
from pipelines.registry.store import Store
from pipelines.watch.labelling import Yardstick, yardstick_of
from pipelines.watch.loading import LoadedDetectors


def single_yardstick(
    session: Session, engine: Engine, store_url: str, anomaly_id: str
) -> Yardstick | None:
    """See `yardstick_of`."""
    artifact = read_active(session, Store(store_url))
    return yardstick_of(
        session,
        anomaly_id,
        predictor=None if artifact is None else Predictor(artifact),
        detectors=LoadedDetectors(engine, store_url),
    )
