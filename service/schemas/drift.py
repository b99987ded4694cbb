"""Reports of drift as they are answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from service.schemas.fields import Answer


class InputAnswer(Answer):
    """One input beside what it was in training."""

    input: str
    drifted: Annotated[bool, Field(description="Both sure and large.")]
    psi: Annotated[
        float | None,
        Field(description="How far; null: too few examples, see `needed`."),
    ]
    statistic: Annotated[
        float, Field(description="The largest gap between the two distributions, 0 to 1.")
    ]
    p_value: float
    adjusted_p: Annotated[float, Field(description="For the number of inputs, by Holm.")]
    n_reference: int
    n_now: int
    needed: Annotated[
        int, Field(description="Examples from which on a PSI is told; 0: training had too few.")
    ]


class AlertAnswer(Answer):
    """What wants to be done about it."""

    reason: str
    remedy: str


class DriftReport(Answer):
    """The last report of one who looks."""

    finder: Annotated[str, Field(description="`watch`, or the id of a detector.")]
    source: Annotated[str | None, Field(description="Whose training it is compared with.")]
    status: Literal["unknown", "none", "drifted"]
    inputs: list[InputAnswer]
    alert: AlertAnswer | None
    note: Annotated[str | None, Field(description="Why it is unknown.")]
    run_id: str | None
    measured_at: datetime


class DriftAnswer(Answer):
    """What is known of drift."""

    status: Annotated[
        Literal["unknown", "none", "drifted"], Field(description="`drifted` if any report says so.")
    ]
    reports: list[DriftReport]
    note: Annotated[str | None, Field(description="What to do where nobody looked yet.")]
