"""Runs as they are asked for and answered."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from service.schemas.fields import Answer, Body, NextCursor, Text

MAX_SEED = 2**63 - 1
MAX_EPOCHS = 100_000
MAX_BUDGET = 7 * 24 * 3600

RunId = Annotated[str, Field(description="Ask `GET /v1/runs/{run_id}` how far it is.")]


class RunBody(Body):
    """Which run is wanted."""

    config: Text = Field(description="Which named run, e.g. `denoising`.")
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED, description="Default: the config's.")
    epochs: int | None = Field(
        default=None, ge=1, le=MAX_EPOCHS, description="At most; default: the config's."
    )
    budget_seconds: float | None = Field(
        default=None,
        gt=0,
        le=MAX_BUDGET,
        description="Time for the search of a run that searches, such as `auto`.",
    )
    alert_rate: float | None = Field(
        default=None, gt=0, lt=1, description="Of `watch`: share of usual ones called anomalies."
    )
    false_discovery_rate: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Of `watch`, for users and interactions in its place: share of those called "
        "anomalies that are usual.",
    )


class RunAccepted(Answer):
    """A run that waits for a worker, or one that was called off."""

    run_id: RunId
    status: Literal["queued", "cancelled"]


class ProgressAnswer(Answer):
    """How far a run is in its present phase."""

    fraction: float
    epoch: int
    epochs: int
    loss: float | None
    metric: float | None = Field(description="Validation NDCG@100 of the last epoch.")
    reported_at: datetime


class VerdictAnswer(Answer):
    """What the gate decided, and why."""

    promote: bool
    reasons: list[str]


class RunAnswer(Answer):
    """A run."""

    run_id: str
    config: str
    settings: dict[str, Any] = Field(description="All options of the run.")
    status: Literal["queued", "running", "finished", "failed", "cancelled"]
    phase: str | None
    progress: ProgressAnswer | None
    metrics: dict[str, Any] | None
    verdict: VerdictAnswer | None
    error: str | None
    artifact_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunsAnswer(Answer):
    """A page of runs, newest first."""

    runs: list[RunAnswer]
    next_cursor: NextCursor
