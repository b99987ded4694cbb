"""Anomaly scores as they are asked for and answered."""

from typing import Annotated

from pydantic import Field

from service.schemas.fields import Answer, ArtifactId, Query


class AnomalyQuery(Query):
    """How often an ordinary user may be called an anomaly."""

    alert_rate: Annotated[
        float,
        Field(gt=0, lt=1, description="Share of ordinary users that may be called an anomaly."),
    ] = 0.01


class ContributionAnswer(Answer):
    """One item's share of the score."""

    item_id: str
    observed: float
    expected: float
    contribution: float


class AnomalyAnswer(Answer):
    """How strange a user is; the contributions sum to the score."""

    anomaly_score: Annotated[float, Field(description="Higher is stranger.")]
    p_value: Annotated[float, Field(description="Share of calibration users at least as strange.")]
    threshold: Annotated[float | None, Field(description="null: too few users to calibrate.")]
    is_anomaly: bool
    alert_rate: float
    contributions: list[ContributionAnswer]
    n_calibration: int
    notes: list[str]
    artifact_id: ArtifactId
