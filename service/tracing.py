"""What every answer carries and what the log says of it: request id, headers, one line.

Not errors (`errors`), not the log's form (`logs`).
"""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

REQUEST_ID_HEADER = "X-Request-ID"
_SANE_ID = re.compile(r"[\x20-\x7e]{1,128}")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

log = structlog.get_logger()


def trace(app: Flask) -> None:
    """Let the app note every request and sign every answer."""
    app.before_request(_start_clock)
    app.after_request(_sign_and_log)


def request_id() -> str:
    """The id of this request: the caller's own where it is 1 to 128 printable ASCII characters."""
    if "request_id" not in g:
        sent = request.headers.get(REQUEST_ID_HEADER, "")
        g.request_id = sent if _SANE_ID.fullmatch(sent) else uuid.uuid4().hex
    return str(g.request_id)


def _start_clock() -> None:
    g.started = time.perf_counter()


def _sign_and_log(response: Response) -> Response:
    response.headers[REQUEST_ID_HEADER] = request_id()
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    started = g.get("started", time.perf_counter())  # unset where the path already was refused
    log.info(
        "request",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        ms=round(1000 * (time.perf_counter() - started), 2),
        request_id=request_id(),
    )
    return response
