"""Text of one cell to the value it stands for. Raises BadRow with a reason a person can act on."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from pipelines.data.checks import (
    CLOCK_SKEW,
    MAX_ID_LENGTH,
    action_problem,
    id_problem,
    time_problem,
    title_problem,
)
from pipelines.data.formats.base import BadRow
from pipelines.data.formats.lines import MAX_LINE_BYTES

_MILLISECONDS = 1e11
"""Seconds since 1970 that are more likely milliseconds: the year 5138, or 1973."""
_REMEMBERED = 100_000
"""Cells of one column whose value is kept."""
_SHOWN = 40
"""Characters of a wrong cell that a reason repeats."""

Value = TypeVar("Value")


class Remembered(dict[str, Value], Generic[Value]):
    """What a reader made of the cells of one column: most ids and weights come many times.

    `Remembered(read, name)[text]` is `read(text, name)`; equal cells share one value in memory.
    """

    def __init__(self, read: Callable[[str, str], Value], name: str) -> None:
        super().__init__()
        self._read = read
        self._name = name

    def __missing__(self, text: str) -> Value:
        value = self._read(text, self._name)
        if len(self) < _REMEMBERED:
            self[text] = value
        return value


def read_text(line: bytes) -> str:
    """The line as text: UTF-8, and not longer than a line may be."""
    if len(line) > MAX_LINE_BYTES:
        raise BadRow(f"the line is longer than {MAX_LINE_BYTES} bytes")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise BadRow(f"not UTF-8 text at byte {error.start + 1} of the line") from None


def read_id(text: str, name: str) -> str:
    """An external id; spaces around it do not belong to it."""
    return exact_id(text.strip(), name)


def exact_id(text: str, name: str) -> str:
    """An external id as it stands, in formats that say where a text begins and ends."""
    if 0 < len(text) <= MAX_ID_LENGTH and text.isprintable():
        return text
    if (problem := id_problem(text)) is not None:
        raise BadRow(f"{name} {problem}")
    return text


def read_action(text: str, name: str) -> str:
    """What an interaction was; spaces around it do not belong to it."""
    return exact_action(text.strip(), name)


def exact_action(text: str, name: str) -> str:
    """What an interaction was, as it stands."""
    if (problem := action_problem(text)) is not None:
        raise BadRow(f"{name} {problem}")
    return text


def read_title(text: str) -> str | None:
    """A title on one line, or None for an empty cell."""
    title = " ".join(text.split())
    if not title:
        return None
    if (problem := title_problem(title)) is not None:
        raise BadRow(f"title {problem}")
    return title


def read_categories(text: str) -> list[str]:
    """Categories separated by `|`; none for an empty cell."""
    categories = [" ".join(part.split()) for part in text.split("|")]
    categories = list(dict.fromkeys(part for part in categories if part))
    for category in categories:
        if (problem := title_problem(category)) is not None:
            raise BadRow(f"category {problem}")
    return categories


def read_weight(text: str, name: str) -> float:
    """A finite number, written plainly."""
    try:
        weight = float(text)
    except ValueError:
        raise BadRow(f"{name} is {_shown(text)}, a number is needed") from None
    # weight - weight is NaN for NaN and the infinities: finite without a call, on the hot path.
    if weight - weight != 0 or "_" in text:
        raise BadRow(f"{name} is {_shown(text)}, a finite number is needed")
    return weight


def time_reader(now: datetime) -> Callable[[str, str], datetime]:
    """A reader of times: seconds since 1970 or RFC 3339, at most a day after `now`."""
    latest = (now + CLOCK_SKEW).timestamp()

    def read_time(text: str, name: str) -> datetime:
        try:
            seconds = float(text)
        except ValueError:
            return _read_rfc3339(text, name, now)
        if seconds > latest:
            hint = " (milliseconds? seconds are needed)" if seconds >= _MILLISECONDS else ""
            raise BadRow(f"{name} is {_shown(text)}, which is in the future{hint}")
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            raise BadRow(f"{name} is {_shown(text)}, which is no time") from None

    return read_time


def _read_rfc3339(text: str, name: str, now: datetime) -> datetime:
    try:
        when = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        form = "seconds since 1970 or 2026-01-31T12:00:00Z"
        raise BadRow(f"{name} is {_shown(text)}, needed is {form}") from None
    if (problem := time_problem(when, now=now)) is not None:
        raise BadRow(f"{name} {problem}")
    return when.astimezone(UTC)


def _shown(text: str) -> str:
    if not text.strip():
        return "empty"
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
