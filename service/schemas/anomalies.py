"""Anomaly scores as they are asked for and answered."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from service.schemas.fields import Answer, Body, ExternalId, Ignored, NextCursor, Query, Text
from service.schemas.histories import History
from service.schemas.pages import PageQuery

Label = Literal["right", "false-alarm"]
Subject = Literal["user", "item", "interaction", "image", "group", "row", "window"]


AlertRate = Annotated[
    float,
    Field(gt=0, lt=1, description="Share of ordinary users that may be called an anomaly."),
]


class AnomalyQuery(Query):
    """How often an ordinary user may be called an anomaly."""

    alert_rate: AlertRate = 0.01


class AnomalyBody(Body):
    """A history, and how often an ordinary one may be called an anomaly."""

    history: Annotated[History, Field(description="Items, at most 10,000.")]
    alert_rate: AlertRate = 0.01


class ContributionAnswer(Answer):
    """The share of the score of one item, or with `strategy` `baseline` of one feature."""

    item_id: str | None
    feature: str | None
    observed: float
    expected: float
    contribution: float
    surprise: Annotated[float | None, Field(description="-log p(item | the others).")]
    p_value: Annotated[
        float | None, Field(description="Share of calibration interactions as surprising.")
    ]


class AnomalyAnswer(Answer):
    """How strange a history is; the contributions sum to the score."""

    anomaly_score: Annotated[float, Field(description="Higher is stranger.")]
    p_value: Annotated[float, Field(description="Share of calibration users at least as strange.")]
    threshold: Annotated[float | None, Field(description="null: too few users to calibrate.")]
    is_anomaly: bool
    alert_rate: float
    contributions: list[ContributionAnswer]
    n_calibration: Annotated[int, Field(description="With labels: false alarms count in.")]
    promised_rate: Annotated[
        float | None, Field(description="At most that share of usual users is an anomaly.")
    ]
    ignored: Ignored
    notes: list[str]
    strategy: Literal["model", "baseline"]
    artifact_id: Annotated[
        str | None, Field(description="The artifact whose network made this answer, if one did.")
    ]


class AnomaliesQuery(PageQuery):
    """A page of what was found, and which of it is wanted."""

    subject: Subject | None = None
    finder: Annotated[ExternalId | None, Field(description="`watch`, or the id of a detector.")] = (
        None
    )
    source: Annotated[
        ExternalId | None,
        Field(description="The artifact or detector, `baseline` or `groups`, of the score."),
    ] = None
    user_id: ExternalId | None = None
    item_id: ExternalId | None = None
    label: Label | Literal["none"] | None = None
    max_p_value: Annotated[
        float | None, Field(ge=0, le=1, description="Only p-values up to this.")
    ] = None
    is_anomaly: bool | None = None
    stale: Annotated[bool | None, Field(description="Only those, or only the others.")] = None


class FoundAnomaly(Answer):
    """Something strange that was found."""

    anomaly_id: Annotated[str, Field(description="The same when the same is found again.")]
    subject: Subject
    finder: Annotated[str, Field(description="`watch`, or the id of a detector.")]
    source: Annotated[
        str, Field(description="The artifact or detector, `baseline` or `groups`, of the score.")
    ]
    stale: Annotated[
        bool,
        Field(description="That source gives no scores any more; another look tells what it is."),
    ]
    user_id: str | None
    item_id: str | None
    place: Annotated[
        dict[str, Any] | None,
        Field(description="What the ids do not say: members, a stretch of time, a row."),
    ]
    anomaly_score: Annotated[
        float, Field(validation_alias="score", description="Higher is stranger.")
    ]
    p_value: float
    is_anomaly: Annotated[
        bool, Field(description="By the rule of the run that found it, and the labels since.")
    ]
    contributions: list[dict[str, Any]]
    run_id: str | None
    found_at: datetime
    label: Label | None
    labelled_at: datetime | None
    note: Annotated[str | None, Field(description="Of who labelled it.")]


class FeedbackBody(Body):
    """What somebody who looked at a finding says of it."""

    label: Annotated[
        Label,
        Field(description="`right`: it is strange; `false-alarm`: it is usual."),
    ]
    note: Annotated[Text | None, Field(max_length=2000)] = None


class ThresholdStateAnswer(Answer):
    """Where alerts begin, and what that comes to."""

    threshold: Annotated[float | None, Field(description="null: nothing is an anomaly.")]
    promised_rate: Annotated[
        float, Field(description="At most that share of usual examples is an alert.")
    ]
    labelled_errors: Annotated[
        int, Field(description="Anomalies confirmed that are no alerts, false alarms that are.")
    ]
    n_alerts: Annotated[int, Field(description="Of the findings of the same source.")]
    n_labels: int


class FeedbackAnswer(Answer):
    """A finding whose label changed, and what that does from now on."""

    anomaly_id: str
    label: Label | None
    note: str | None
    alert_rate: float
    before: ThresholdStateAnswer | None
    after: Annotated[
        ThresholdStateAnswer | None, Field(description="null: no threshold is kept; see `notes`.")
    ]
    notes: list[str]


class AnomaliesAnswer(Answer):
    """A page of what was found, strangest first."""

    anomalies: list[FoundAnomaly]
    next_cursor: NextCursor
