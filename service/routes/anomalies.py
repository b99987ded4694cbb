"""Anomaly scores: how strange a user is, and why."""

from apiflask import APIBlueprint

from pipelines.predictor.score import Anomaly, score_user
from service.context import context
from service.schemas.anomalies import AnomalyAnswer, AnomalyQuery

bp = APIBlueprint("anomalies", __name__, url_prefix="/v1", tag="Anomalies")


@bp.get("/users/<user_id>/anomaly")
@bp.input(AnomalyQuery, location="query", arg_name="query")
@bp.output(AnomalyAnswer)
@bp.doc(responses={409: "The active artifact's kind cannot score users"})
def anomaly(user_id: str, query: AnomalyQuery) -> Anomaly:
    """Score how strange a user is

    The p-value is against users held out from training; the contributions sum to the score.
    """
    predictor = context().active.get()
    with context().reading() as session:
        return score_user(session, predictor, user_id=user_id, alert_rate=query.alert_rate)
