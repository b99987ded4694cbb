"""Detectors as they are asked for and answered."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from service.schemas.fields import Answer, Body, ExternalId, NextCursor, Query, Text

MAX_IDS = 10_000
MAX_STRANGEST = 1000

Over = Annotated[
    Literal["table", "series", "users", "items", "images", "sequences"],
    Field(
        description="What its rows are: those that are sent, `series` in time order; or what is "
        "stored, `sequences` being what users did in time order."
    ),
]
Share = Annotated[float, Field(gt=0, lt=1)]
_NAMED = "Columns of numbers that are names of categories."
_IGNORED = "Columns that say nothing, such as ids."


class _Options(BaseModel):
    """What both forms of a request may choose."""

    name: Text = Field(default="", description="Its id begins with it.")
    over: Over = "table"
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    regime: Text = Field(
        default="auto",
        description="`clean`: all rows are usual; `contaminated`, `auto`: some may be strange.",
    )
    form: Text = Field(default="full", description="`full`, or `fast`.")
    kind: Text = Field(
        default="denoising", description="`denoising`, `variational` or `contractive`."
    )
    calibration_share: float = Field(
        default=0.2, ge=0, lt=1, description="Share of the rows held out for p-values."
    )
    order: Text = Field(
        default="", description="series: the column of numbers or times that rise from row to row."
    )
    group: Text = Field(
        default="", description="series: the column that says which series a row is of."
    )
    window: int = Field(default=16, ge=2, le=1000, description="Of series: rows of a window.")
    step: int = Field(default=2, ge=1, description="Of series: rows from a window to the next.")


class DetectorBody(Body, _Options):
    """A detector that is wanted, and the rows to fit it to."""

    members: list[Text] = Field(default=[], description="Other members than the regime's.")
    categorical: list[Text] = Field(default=[], description=_NAMED)
    ignore: list[Text] = Field(default=[], description=_IGNORED)
    rows: list[Any] | None = Field(
        default=None, description="Objects with the columns of the first; null where missing."
    )


class DetectorQuery(Query, _Options):
    """The same options where the body is a table."""

    members: Text = Field(default="", description="With commas between them.")
    categorical: Text = Field(default="", description=f"{_NAMED} Commas between them.")
    ignore: Text = Field(default="", description=f"{_IGNORED} Commas between them.")


class _Rule(BaseModel):
    """When a row is an anomaly, and what is shown."""

    alert_rate: Share | None = Field(
        default=None, description="The share of usual rows that may be anomalies; default 0.01."
    )
    false_discovery_rate: Share | None = Field(
        default=None, description="Instead: the share of anomalies that may be false."
    )
    contributions: bool = Field(default=True, description="Whether each row tells why.")
    n: int | None = Field(
        default=None,
        ge=1,
        le=MAX_STRANGEST,
        description="Only the strangest, so many, these first; of all that is stored 100.",
    )
    keep: bool = Field(
        default=False,
        description="Keep the strangest that are shown, at most 200, as anomalies to be labelled.",
    )


class DriftBody(Body):
    """Rows to compare with those of training, or ids of what is stored."""

    rows: list[Any] | None = Field(default=None, description="Objects with the same columns.")
    ids: Annotated[list[ExternalId] | None, Field(max_length=MAX_IDS)] = Field(
        default=None, description="Of users or items; without them, all."
    )


class DriftQuery(Query):
    """Nothing: a body that is a table is all that there is."""


class ScoreBody(DriftBody, _Rule):
    """Rows to score, or ids of what is stored."""


class ScoreQuery(Query, _Rule):
    """The same where the body is a table."""


class DetectorAccepted(Answer):
    """A detector that a worker fits, or fitted."""

    detector_id: str
    run_id: Annotated[str, Field(description="Ask `GET /v1/runs/{run_id}` how far it is.")]
    status: Literal["queued", "running", "ready"]


class RowProblemAnswer(Answer):
    """Why a row was left out."""

    row: Annotated[int, Field(description="Its number, counted from 0.")]
    column: str | None
    detail: str


class ColumnAnswer(Answer):
    """How a column is used."""

    column: str
    kind: Literal["numeric", "categorical", "image", "order", "group"]
    n_missing: int
    n_levels: int | None
    constant: bool


class LeftOutAnswer(Answer):
    """A column that is not looked at."""

    column: str
    detail: str


class PlanAnswer(Answer):
    """What a detector would be fitted to."""

    n_rows: int
    n_usable: int
    n_calibration: int
    smallest_alert_rate: Annotated[
        float | None, Field(description="The least that can be promised; null: none can.")
    ]
    columns: list[ColumnAnswer]
    left_out: list[LeftOutAnswer]
    n_problems: int
    problems: Annotated[list[RowProblemAnswer], Field(description="At most 100.")]
    notes: list[str]


class DetectorAnswer(Answer):
    """A detector."""

    detector_id: str
    over: Over
    status: Literal["queued", "running", "ready", "failed", "cancelled", "finished"]
    error: str | None
    run_id: str
    settings: dict[str, Any]
    created_at: datetime
    fitted_at: datetime | None


class DetectorDetail(DetectorAnswer):
    """A detector and what it learned from."""

    manifest: Annotated[
        dict[str, Any] | None,
        Field(description="Rows, columns, what was left out, checksums; null until it is ready."),
    ]


class DetectorsAnswer(Answer):
    """A page of detectors, newest first."""

    detectors: list[DetectorAnswer]
    next_cursor: NextCursor


class WeightsAnswer(Answer):
    """What the columns of a detector count."""

    detector_id: str
    version: Annotated[int, Field(description="0: as it was fitted.")]
    weights: Annotated[
        dict[str, float], Field(description="By column; `unattributed`: what none of them adds.")
    ]
    figures: Annotated[
        dict[str, Any] | None,
        Field(description="`before` and `after`: AUROC and average precision of labels, alerts."),
    ]


class CellContribution(Answer):
    """What a column adds to the score."""

    column: Annotated[str, Field(description="`unattributed`: what no column adds.")]
    observed: Any
    expected: Annotated[Any, Field(description="Given the rest of the row.")]
    contribution: float


class ScoredRowAnswer(Answer):
    """A row that could be scored."""

    row: Annotated[int, Field(description="Its number in what was sent, counted from 0.")]
    user_id: str | None
    item_id: str | None
    anomaly_score: Annotated[float, Field(description="Higher is stranger.")]
    p_value: Annotated[
        float | None, Field(description="Share of held-out rows at least as strange.")
    ]
    is_anomaly: bool
    contributions: list[CellContribution]
    anomaly_id: Annotated[str | None, Field(description="Where it is kept.")]


class StretchAnswer(Answer):
    """Rows that follow each other and are all anomalies."""

    start: Annotated[int, Field(description="Its first row, as `row` has it.")]
    end: Annotated[int, Field(description="Its last row.")]
    n_rows: int
    started_at: Annotated[Any, Field(description="What tells the time of the first row.")]
    ended_at: Any
    user_id: str | None
    series: Annotated[Any, Field(description="What `group` says of its rows.")]
    score: Annotated[float, Field(description="Of its strangest row.")]
    p_value: float
    contributions: Annotated[list[CellContribution], Field(description="Of its strangest row.")]
    anomaly_id: Annotated[str | None, Field(description="Where it is kept.")]


class ScoredAnswer(Answer):
    """Scored rows, and what is wrong with the others."""

    detector_id: str
    rows: list[ScoredRowAnswer]
    problems: list[RowProblemAnswer]
    n_scored: int
    n_anomalies: int
    threshold: Annotated[
        float | None, Field(description="Above it rows are anomalies; null: see `notes`.")
    ]
    alert_rate: float | None
    false_discovery_rate: float | None
    n_calibration: Annotated[int, Field(description="With labels: false alarms count in.")]
    notes: list[str]
    promised_rate: Annotated[
        float | None, Field(description="At most that share of usual rows is an anomaly.")
    ]
    version: Annotated[int, Field(description="How often labels weighed the columns anew.")]
    stretches: Annotated[
        list[StretchAnswer] | None,
        Field(description="Of series and sequences: the strangest first, at most 1,000."),
    ]
