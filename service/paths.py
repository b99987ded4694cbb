"""Ids in paths, taken from the raw request target. Not a router: Flask routes what this leaves.

WSGI hands over a path that is already decoded, where the item `a/similar` and the route
`similar` of the item `a` look alike. RawPath puts the path back as it was sent, in one canonical
percent-encoding, so that `%2F` stays inside its segment; `decode_ids` decodes the matched parts.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

from pipelines.errors import FieldError, InvalidInput
from service.problems import MalformedRequest
from service.schemas.fields import check_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class RawPath:
    """WSGI middleware: PATH_INFO becomes the request's own path, canonically percent-encoded."""

    def __init__(self, app: "WSGIApplication") -> None:
        self.app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        environ["PATH_INFO"] = _canonical(_raw_path(environ))
        return self.app(environ, start_response)


def _raw_path(environ: "WSGIEnvironment") -> str:
    """The path of the request target, below SCRIPT_NAME; servers name the target differently."""
    target: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    path = target.partition("?")[0].partition("#")[0]
    if "://" in path:  # the absolute form that proxies send
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    if not path.startswith("/"):
        return quote(environ.get("PATH_INFO", "/"), encoding="latin-1")
    return path.removeprefix(quote(environ.get("SCRIPT_NAME", ""), encoding="latin-1"))


def _canonical(path: str) -> str:
    """Each segment decoded and encoded again, so that `%73` and `s` are the same to the router, and
    `%3A` and `:`, which routes such as `anomalies:score` have.
    """
    segments = path.encode("latin-1", "replace").split(b"/")
    return "/".join(quote_from_bytes(unquote_to_bytes(part), safe=":") for part in segments)


def decode_ids(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Decode what the path names, in place.

    Raises MalformedRequest for bytes that are not UTF-8, InvalidInput for an id that cannot be.
    """
    for name, encoded in (values or {}).items():
        try:
            text = unquote(encoded, errors="strict")
        except UnicodeDecodeError:
            detail = f"The {name} in the path is not UTF-8; percent-encode its UTF-8 bytes."
            raise MalformedRequest(detail, errors=[FieldError(f"/{name}", detail)]) from None
        try:
            values[name] = check_id(text)  # type: ignore[index]  # not None inside this loop
        except ValueError as fault:
            detail = f"The {name} in the path {fault}"
            raise InvalidInput(detail, errors=[FieldError(f"/{name}", detail)]) from None
