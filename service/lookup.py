"""What is asked for by id is there, or the answer is 404. Reads nothing itself."""

from typing import TypeVar

from flask import Response

from pipelines.errors import NotFound

Row = TypeVar("Row")


def found(row: Row | None, noun: str, external_id: str) -> Row:
    """The row itself. Raises NotFound for None."""
    if row is None:
        raise NotFound(f"There is no {noun} {external_id!r}; GET /v1/{noun}s lists them all.")
    return row


def removed(deleted: bool, noun: str, external_id: str) -> Response:
    """The empty answer 204. Raises NotFound where there was nothing to remove."""
    found(deleted or None, noun, external_id)
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response
