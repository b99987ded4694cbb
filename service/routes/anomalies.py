"""Anomalies: how strange a user is, and why; what was found strange."""

import math
from typing import Any

from apiflask import APIBlueprint

from pipelines.predictor.score import Anomaly, score_history, score_user
from pipelines.storage.anomalies import AnomalyFilter, StoredAnomaly
from pipelines.watch.showing import ShownAnomaly, found_anomaly, list_anomalies
from service.context import context
from service.pagination import bad_cursor, decode_cursor, page
from service.schemas.anomalies import (
    AnomaliesAnswer,
    AnomaliesQuery,
    AnomalyAnswer,
    AnomalyBody,
    AnomalyQuery,
    FoundAnomaly,
)

bp = APIBlueprint("anomalies", __name__, url_prefix="/v1", tag="Anomalies")

EXAMPLE = {"history": ["song-1", "song-4"], "alert_rate": 0.2}


@bp.get("/users/<user_id>/anomaly")
@bp.input(AnomalyQuery, location="query", arg_name="query")
@bp.output(AnomalyAnswer)
def anomaly(user_id: str, query: AnomalyQuery) -> Anomaly:
    """Score how strange a user is

    The p-value is against users held out from training; the contributions sum to the score.
    """
    parts = context()
    with parts.reading() as session:
        return score_user(
            session,
            parts.active.get(),
            parts.baseline,
            user_id=user_id,
            alert_rate=query.alert_rate,
        )


@bp.post("/anomalies:score")
@bp.input(AnomalyBody, arg_name="body", example=EXAMPLE)
@bp.output(AnomalyAnswer)
def score(body: AnomalyBody) -> Anomaly:
    """Score how strange a history is

    As for a stored user who has it.
    """
    parts = context()
    with parts.reading() as session:
        return score_history(
            session,
            parts.active.get(),
            parts.baseline,
            item_ids=body.history,
            alert_rate=body.alert_rate,
        )


@bp.get("/anomalies")
@bp.input(AnomaliesQuery, location="query", arg_name="query")
@bp.output(AnomaliesAnswer)
def list_found(query: AnomaliesQuery) -> dict[str, Any]:
    """List what was found strange

    The least p-value first, of equal ones the highest score.
    """
    wanted = AnomalyFilter(**query.model_dump(exclude={"limit", "cursor", "stale"}))
    after = _position(query.cursor)
    with context().reading() as session:
        rows = list_anomalies(
            session, limit=query.limit + 1, after=after, wanted=wanted, stale=query.stale
        )
    kept, following = page(rows, kind="anomalies", limit=query.limit, position=_strings)
    return {"anomalies": kept, "next_cursor": following}


@bp.get("/anomalies/<anomaly_id>")
@bp.output(FoundAnomaly)
def get_found(anomaly_id: str) -> ShownAnomaly:
    """Look at one finding"""
    with context().reading() as session:
        return found_anomaly(session, anomaly_id)


def _strings(row: StoredAnomaly) -> list[str]:
    return [repr(row.p_value), repr(row.score), row.anomaly_id]


def _position(cursor: str | None) -> tuple[float, float, str] | None:
    """What `_strings` made, back again."""
    strings = decode_cursor("anomalies", cursor, size=3)
    if strings is None:
        return None
    try:
        p_value, score = float(strings[0]), float(strings[1])
    except ValueError:
        raise bad_cursor() from None
    if not (math.isfinite(p_value) and math.isfinite(score)):
        raise bad_cursor()
    return p_value, score, strings[2]
