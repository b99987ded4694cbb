"""Drift: whether inputs are still distributed as in training."""

from apiflask import APIBlueprint

from pipelines.watch.drift_reports import Drifts, known_drifts
from service.context import context
from service.schemas.drift import DriftAnswer

bp = APIBlueprint("drift", __name__, url_prefix="/v1", tag="Drift")


@bp.get("/drift")
@bp.output(DriftAnswer)
def drift() -> Drifts:
    """Read the last reports of drift

    A run `watch` makes one of users; what has drifted is named, with what to do.
    """
    with context().reading() as session:
        return known_drifts(session)
