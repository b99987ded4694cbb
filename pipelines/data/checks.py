"""What an id, an action, a weight and a time must be, wherever they come from.

Each function answers with the reason why a value is refused, or None. It raises nothing: a file
reports the reason with a line number, a request with the name of the field.
"""

import math
import unicodedata
from datetime import UTC, datetime, timedelta

MAX_ID_LENGTH = 256
MAX_ACTION_LENGTH = 64
MAX_TITLE_LENGTH = 1000
CLOCK_SKEW = timedelta(days=1)
"""A time may be this far ahead of our clock: senders' clocks and zones are not exact."""

_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Not "Cf": the joiners inside emoji and Indic words are of that category.


def id_problem(text: str) -> str | None:
    """Why `text` cannot be a user or item id: 1-256 printable characters."""
    return _text_problem(text, MAX_ID_LENGTH)


def action_problem(text: str) -> str | None:
    """Why `text` cannot be an action: 1-64 printable characters."""
    return _text_problem(text, MAX_ACTION_LENGTH)


def title_problem(text: str) -> str | None:
    """Why `text` cannot be a title or a category: 1-1000 printable characters."""
    return _text_problem(text, MAX_TITLE_LENGTH)


def weight_problem(weight: float) -> str | None:
    """Why `weight` cannot be stored: it must be finite."""
    return None if math.isfinite(weight) else f"is {weight}, it must be a finite number"


def time_problem(when: datetime, *, now: datetime) -> str | None:
    """Why `when` cannot be the time of an interaction: no time zone, or too far ahead of `now`."""
    if when.tzinfo is None:
        return "has no time zone, write it like 2026-01-31T12:00:00Z"
    if when > now + CLOCK_SKEW:
        return f"is {when.astimezone(UTC).isoformat()}, which is in the future"
    return None


def _text_problem(text: str, longest: int) -> str | None:
    if not text:
        return "is empty"
    if len(text) > longest:
        return f"has {len(text)} characters, at most {longest} are allowed"
    if text.isprintable():
        return None
    odd = next((c for c in text if unicodedata.category(c) in _UNPRINTABLE), None)
    return None if odd is None else f"has a character that cannot be printed (U+{ord(odd):04X})"
