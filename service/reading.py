"""How a JSON body is read: its type, its syntax, its depth. Not what it must say (`schemas`)."""

import json
from typing import Any

from flask import Request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from service.problems import MalformedRequest


class JsonProvider(DefaultJSONProvider):
    """Answers keep the order of their schema and their letters; too deep a body is a bad body."""

    sort_keys = False
    ensure_ascii = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Parse; raises ValueError, also for what is nested deeper than can be read."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError:
            raise ValueError("It is nested too deeply") from None


class JsonRequest(Request):
    """A request whose body, where there is one, is JSON and says so."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Parse the body. Raises UnsupportedMediaType or MalformedRequest; `null` is no body."""
        if not self.is_json:
            raise UnsupportedMediaType
        self._check_length()
        document = super().get_json(force=force, silent=silent, cache=cache)
        if document is None:
            raise MalformedRequest("The body is null; send a JSON object.")
        return document

    def _check_length(self) -> None:
        """Of a body sent in chunks: werkzeug would silently cut it at the limit."""
        limit = self.max_content_length
        if limit and self.content_length is None and len(self.get_data()) >= limit:
            raise RequestEntityTooLarge

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Say where the body breaks."""
        if isinstance(e, json.JSONDecodeError):
            where = f"line {e.lineno}, column {e.colno}: {e.msg}"
        elif isinstance(e, UnicodeDecodeError):
            where = f"byte {e.start} is not UTF-8"
        else:
            where = str(e)
        raise MalformedRequest(f"The body is not valid JSON ({where}); correct it and send again.")
