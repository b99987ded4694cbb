"""The kinds of field that requests are made of. The rules are `pipelines/data/checks`, shared with
import; here they become pydantic types that say the remedy.
"""

import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    WithJsonSchema,
)

from pipelines.data import checks

MAX_LIST = 10_000
MAX_N = 1000
MAX_PAGE = 500
MAX_ATTRIBUTE_DEPTH = 16

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Body(BaseModel):
    """A JSON body: nothing is converted and nothing unknown is let through."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """A query string: numbers arrive as text there, unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """A JSON answer, read from the fields of what a function returned."""

    model_config = ConfigDict(from_attributes=True)


def check_id(text: str) -> str:
    """The id itself. Raises ValueError that says why it cannot be one."""
    return _refused(checks.id_problem, text, "send 1 to 256 printable characters")


def _check_action(text: str) -> str:
    return _refused(checks.action_problem, text, "send 1 to 64 printable characters")


def _refused(problem: Callable[[str], str | None], text: str, remedy: str) -> str:
    reason = problem(text)
    if reason is not None:
        raise ValueError(f"{reason}; {remedy}.")
    return text


def _check_text(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise ValueError("has a NUL character or half of a surrogate pair; leave it out.")
    return text


def _read_time(value: object) -> datetime:
    """Raises ValueError for what is no RFC 3339 time, has no offset or is too far ahead."""
    example = "write it like 2026-01-31T12:00:00Z"
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError(f"is not an RFC 3339 time; {example}.")
    try:
        when = datetime.fromisoformat(value.upper())
        reason = checks.time_problem(when, now=datetime.now(UTC))
        if reason is None:
            return when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"is no day and hour that exist; {example}.") from None
    raise ValueError(f"{reason}; send the time at which it happened, at most a day ahead of now.")


def _parts(value: Any) -> Iterator[tuple[Any, int]]:
    """Every key and value inside, with its depth; no recursion, so that no depth can break it."""
    waiting = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        yield part, depth
        if isinstance(part, dict):
            waiting += [(inner, depth + 1) for pair in part.items() for inner in pair]
        elif isinstance(part, list):
            waiting += [(inner, depth + 1) for inner in part]


def _check_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    for part, depth in _parts(attributes):
        if depth > MAX_ATTRIBUTE_DEPTH:
            raise ValueError(f"is nested deeper than {MAX_ATTRIBUTE_DEPTH} levels; flatten it.")
        if isinstance(part, str):
            _check_text(part)
        if isinstance(part, float) and not math.isfinite(part):
            raise ValueError(f"has the number {part} in it; send a finite number or null.")
    return attributes


ID_SCHEMA = {"type": "string", "minLength": 1, "maxLength": checks.MAX_ID_LENGTH}
_ACTION_SCHEMA = {"type": "string", "minLength": 1, "maxLength": checks.MAX_ACTION_LENGTH}

ExternalId = Annotated[str, AfterValidator(check_id), WithJsonSchema(ID_SCHEMA)]
Action = Annotated[str, AfterValidator(_check_action), WithJsonSchema(_ACTION_SCHEMA)]
Text = Annotated[str, Field(max_length=1000), AfterValidator(_check_text)]
Category = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_check_text)]
Attributes = Annotated[
    dict[str, Any],
    AfterValidator(_check_attributes),
    Field(description="Any JSON object of yours; kept as it is."),
]
OccurredAt = Annotated[
    datetime,
    BeforeValidator(_read_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Weight = FiniteFloat
HowMany = Annotated[int, Field(ge=1, le=MAX_N, description="How many to answer with.")]
PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE, description="How many a page.")]
Cursor = Annotated[str, Field(max_length=4000, description="`next_cursor` of the page before.")]
NextCursor = Annotated[
    str | None, Field(description="Ask with it for the next page; null: the end.")
]
ArtifactId = Annotated[str, Field(description="The artifact whose network made this answer.")]
Ignored = Annotated[
    list[str], Field(description="Ids of the history that the network does not know.")
]
