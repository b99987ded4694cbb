"""Which exception becomes which problem. The problems themselves are in `problems`."""

from http import HTTPStatus

import structlog
from apiflask import APIFlask, HTTPError
from flask import Response, request
from pydantic import ValidationError
from sqlalchemy import exc
from werkzeug import exceptions

from pipelines.errors import Conflict, HourglassError, InvalidInput, NotFound
from service.field_errors import field_errors, summary
from service.problems import (
    MAX_BODY_BYTES,
    DatabaseUnavailable,
    Fault,
    MalformedRequest,
    MethodNotAllowed,
    Problem,
    TooLarge,
    UnsupportedMediaType,
    answer,
    answer_problem,
)
from service.tracing import request_id

log = structlog.get_logger()

_REFUSALS: dict[int, HourglassError] = {
    400: MalformedRequest("The request cannot be read; /docs shows its form."),
    404: NotFound("Nothing is at this address; /docs lists what there is."),
    413: TooLarge(
        f"The body is larger than {MAX_BODY_BYTES // 1_000_000} MB; send it in several requests."
    ),
    415: UnsupportedMediaType("Send JSON, with the header Content-Type: application/json."),
}
_MISSING_TABLE, _MISSING_COLUMN = "42P01", "42703"


def register_errors(app: APIFlask) -> None:
    """Let every error of the app end here."""
    app.register_error_handler(HourglassError, answer_problem)
    app.register_error_handler(HTTPError, _on_invalid_schema)
    app.register_error_handler(exceptions.HTTPException, _on_refusal)
    app.register_error_handler(exceptions.MethodNotAllowed, _on_wrong_method)
    app.register_error_handler(exc.OperationalError, _on_database)
    app.register_error_handler(exc.InterfaceError, _on_database)
    app.register_error_handler(exc.TimeoutError, _on_database)
    app.register_error_handler(exc.ProgrammingError, _on_statement)
    app.register_error_handler(exc.IntegrityError, _on_concurrent_change)
    app.register_error_handler(Exception, _on_fault)


def _on_invalid_schema(error: HTTPError) -> Response:
    """What a schema refused: each field with what is wrong with it."""
    if not isinstance(error.__cause__, ValidationError):
        return _on_fault(error)
    found = field_errors(error.__cause__)
    return answer_problem(InvalidInput(summary(found), errors=found))


def _on_refusal(error: exceptions.HTTPException) -> Response:
    """What Flask refused before a route was reached."""
    status = error.code or 500
    if status in _REFUSALS:
        return answer_problem(_REFUSALS[status])
    title = HTTPStatus(status).phrase
    return answer(Problem(status, title.lower().replace(" ", "-"), title, f"{title}."))


def _on_wrong_method(error: exceptions.MethodNotAllowed) -> Response:
    methods = sorted(error.valid_methods or ())
    response = answer_problem(MethodNotAllowed(f"This address takes {', '.join(methods)}."))
    response.headers["Allow"] = ", ".join(methods)
    return response


def _on_database(error: exc.SQLAlchemyError) -> Response:
    """The database is away, busy or not migrated; what it said stays in the log."""
    log.error("database", error=str(getattr(error, "orig", error)), request_id=request_id())
    detail = "The database does not answer as it should; /readyz says why. Try again shortly."
    response = answer_problem(DatabaseUnavailable(detail))
    response.headers["Retry-After"] = "5"
    return response


def _on_statement(error: exc.ProgrammingError) -> Response:
    """PostgreSQL reports what was never migrated as an error of the statement."""
    if getattr(error.orig, "sqlstate", None) in {_MISSING_TABLE, _MISSING_COLUMN}:
        return _on_database(error)
    return _on_fault(error)


def _on_concurrent_change(_error: exc.IntegrityError) -> Response:
    """Two requests changed the same rows at once and this one lost."""
    detail = "Another request changed the same user or item at the same time; send this again."
    return answer_problem(Conflict(detail))


def _on_fault(error: Exception) -> Response:
    """A fault of ours: everything into the log, nothing but the request id to the caller."""
    log.error("fault", method=request.method, request_id=request_id(), exc_info=error)
    return answer_problem(Fault("The log has it under this request_id; tell the operator."))
