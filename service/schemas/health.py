"""Health as it is answered."""

from typing import Literal

from service.schemas.fields import Answer


class HealthAnswer(Answer):
    """The process lives."""

    status: Literal["ok"]


class CheckAnswer(Answer):
    """One thing that must be right, and why it is or is not."""

    ok: bool
    reason: str


class ReadyAnswer(Answer):
    """Every check, by name."""

    status: Literal["ready"]
    checks: dict[str, CheckAnswer]
