"""The kinds of problem and the one document that tells of any (RFC 9457).

Which exception becomes which problem is decided in `errors`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flask import Response, current_app

from pipelines import errors
from pipelines.errors import FieldError, HourglassError
from service.tracing import request_id

PROBLEM_JSON = "application/problem+json"
MAX_BODY_BYTES = 5_000_000


class MalformedRequest(HourglassError):
    """What was sent cannot even be read."""

    slug = "malformed-request"
    title = "The request cannot be read"


class MethodNotAllowed(HourglassError):
    """The address exists, the method does not."""

    slug = "method-not-allowed"
    title = "This address does not take this method"


class TooLarge(HourglassError):
    """The body is over `MAX_BODY_BYTES`."""

    slug = "too-large"
    title = "The body is too large"


class UnsupportedMediaType(HourglassError):
    """The body is not declared as JSON."""

    slug = "unsupported-media-type"
    title = "The body is not declared as JSON"


class DatabaseUnavailable(errors.NotReady):
    """The database does not answer, or not with the schema that this version needs."""

    slug = "database-unavailable"
    title = "The database is not available"


class Fault(HourglassError):
    """A fault of ours; its detail says nothing of it."""

    slug = "internal-error"
    title = "A fault of the service"


STATUSES: dict[type[HourglassError], int] = {
    MalformedRequest: 400,
    errors.NotFound: 404,
    MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.NoEmbedding: 409,
    TooLarge: 413,
    errors.ImageTooLarge: 413,
    UnsupportedMediaType: 415,
    errors.UnsupportedImage: 415,
    errors.InvalidInput: 422,
    errors.DamagedImage: 422,
    Fault: 500,
    errors.NotReady: 503,
    DatabaseUnavailable: 503,
    errors.DamagedArtifact: 503,
}


@dataclass(frozen=True)
class Problem:
    """One error as it is sent; `slug` becomes the problem's type."""

    status: int
    slug: str
    title: str
    detail: str
    errors: Sequence[FieldError] = ()


def status_of(kind: type[HourglassError]) -> int:
    """The status of an error class: its own or that of its nearest base; else 500."""
    return next((STATUSES[base] for base in kind.__mro__ if base in STATUSES), 500)


def answer_problem(error: HourglassError, **extensions: object) -> Response:
    """The error as an answer; `extensions` are further members of the document."""
    problem = Problem(status_of(type(error)), error.slug, error.title, error.detail, error.errors)
    return answer(problem, extensions)


def answer(problem: Problem, extensions: Mapping[str, object] | None = None) -> Response:
    """The problem as an answer."""
    document: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "errors": [asdict(error) for error in problem.errors],
        "request_id": request_id(),
        **(extensions or {}),
    }
    body = current_app.json.dumps(document)
    return Response(body, status=problem.status, content_type=PROBLEM_JSON)
