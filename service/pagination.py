"""Opaque cursors: where the next page begins. Not the query that reads it (`pipelines/storage`)."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from pipelines.errors import FieldError, InvalidInput

Row = TypeVar("Row")
Position = Sequence[str]
"""What a list is ordered by, of one row, as strings."""


def page(
    rows: Sequence[Row], *, kind: str, limit: int, position: Callable[[Row], Position]
) -> tuple[Sequence[Row], str | None]:
    """The first `limit` of rows read one too many, and the cursor of what follows, if anything."""
    kept = rows[:limit]
    return kept, encode_cursor(kind, position(kept[-1])) if len(rows) > limit else None


def encode_cursor(kind: str, position: Position) -> str:
    """A cursor that stands for the row at this position in the list named `kind`."""
    document = json.dumps([kind, *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def decode_cursor(kind: str, cursor: str | None, *, size: int) -> list[str] | None:
    """The position that the cursor stands for: `size` strings; None stays None.

    Raises InvalidInput for what was not given out by this list.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        document = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise bad_cursor() from None
    if not isinstance(document, list) or not all(map(_is_storable, document)):
        raise bad_cursor()
    if len(document) != 1 + size or document[0] != kind:
        raise bad_cursor()
    return document[1:]


def bad_cursor() -> InvalidInput:
    """The error for a cursor that this list never gave out."""
    detail = "The cursor was not given out by this list; start again without a cursor."
    return InvalidInput(detail, errors=[FieldError("/cursor", detail)])


def _is_storable(part: object) -> bool:
    """A string that both databases can compare with: no NUL, no half of a surrogate pair."""
    return isinstance(part, str) and "\0" not in part and _is_unicode(part)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
