"""Bodies that nobody read, read away. Not the limit on their size: that is Flask's.

A server that answers and closes while the client still sends resets the connection, and most
clients then report a broken pipe in place of the answer that says why (413, 404, 415).
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BYTES = 100_000_000
MAX_SECONDS = 10.0
_PIECE = 1 << 16


class DrainedBody:
    """WSGI middleware: the answer goes out once the body is read, or was too much of it."""

    def __init__(self, app: "WSGIApplication") -> None:
        self.app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        answer = self.app(environ, start_response)
        with suppress(OSError):  # the client went away, or sent what is no body
            _drain(environ["wsgi.input"])
        return answer


def _drain(body: IO[bytes]) -> None:
    left, deadline = MAX_BYTES, time.monotonic() + MAX_SECONDS
    while left > 0 and time.monotonic() < deadline:
        piece = body.read(_PIECE)
        if not piece:
            return
        left -= len(piece)
