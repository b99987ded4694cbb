"""Feedback: what somebody who looked at a finding says of it, and taking it back."""

from datetime import UTC, datetime

from apiflask import APIBlueprint

from pipelines.watch.labelling import Relabelled, label_anomaly
from service.context import context
from service.schemas.anomalies import AnomalyQuery, FeedbackAnswer, FeedbackBody

bp = APIBlueprint("feedback", __name__, url_prefix="/v1/anomalies", tag="Feedback")

EXAMPLE = {"label": "false-alarm", "note": "A shared account."}


@bp.post("/<anomaly_id>/feedback")
@bp.input(AnomalyQuery, location="query", arg_name="query")
@bp.input(FeedbackBody, arg_name="body", example=EXAMPLE)
@bp.output(FeedbackAnswer)
@bp.doc(responses={409: "It has a label already"})
def give(anomaly_id: str, query: AnomalyQuery, body: FeedbackBody) -> Relabelled:
    """Say whether a finding is right

    The threshold of its source moves at once; the answer tells before and after, at the alert rate
    of the query.
    """
    return _relabel(anomaly_id, body.label, body.note, query.alert_rate)


@bp.delete("/<anomaly_id>/feedback")
@bp.input(AnomalyQuery, location="query", arg_name="query")
@bp.output(FeedbackAnswer)
@bp.doc(responses={409: "It has no label"})
def take_back(anomaly_id: str, query: AnomalyQuery) -> Relabelled:
    """Take a label back

    All is as it was before the label.
    """
    return _relabel(anomaly_id, None, None, query.alert_rate)


def _relabel(anomaly_id: str, label: str | None, note: str | None, alert_rate: float) -> Relabelled:
    parts = context()
    return label_anomaly(
        parts.engine,
        parts.detectors,
        anomaly_id=anomaly_id,
        label=label,
        note=note,
        alert_rate=alert_rate,
        now=datetime.now(UTC),
    )
