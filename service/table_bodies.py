"""A table as it is sent: JSON with options beside its rows, or a body of CSV or Parquet with the
options in the query. Not what the rows must be (`pipelines/watch`).
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from pipelines.errors import FieldError, InvalidInput
from pipelines.watch.row_table import Kinds, RowTable
from pipelines.watch.table_files import MAX_BYTES, read_table
from service.field_errors import field_errors, summary
from service.problems import TooLarge, UnsupportedMediaType

JSON = "application/json"
MEDIA_TYPES = (
    "text/csv",
    "application/vnd.apache.parquet",
    "application/x-ndjson",
    "application/gzip",
)
"""Of tables; what is in one is told by its beginning."""
_SAY_NOTHING = ("", "application/octet-stream", "application/x-www-form-urlencoded")
"""What clients send when nobody told them what the bytes are; the last is curl's."""
_LISTS = ("members", "categorical", "ignore")
"""Options that take several words, in a query with commas between them."""

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True)
class SentTable:
    """The options of a request, and the bytes of a table; None where the body is JSON, or there is
    none.
    """

    options: dict[str, Any]
    content: bytes | None

    def read(self, kinds: Kinds | None = None) -> RowTable | None:
        """The table. Raises InvalidInput."""
        if self.content is None:
            return None
        return read_table(io.BytesIO(self.content), called="the body", kinds=kinds)


def sent_table(body: type[Body], query: BaseModel) -> SentTable:
    """What the request brings. Raises what reading JSON raises, TooLarge, InvalidInput and
    UnsupportedMediaType.

    query: the options as they were read from the query.
    """
    request.max_content_length = MAX_BYTES
    try:
        if request.is_json:
            document = request.get_json()
            _refuse_query()
            return SentTable(_validated(body, document), None)
        if request.mimetype not in (*MEDIA_TYPES, *_SAY_NOTHING):
            detail = f"The Content-Type is {request.mimetype}; send {JSON}, or a table as one of "
            raise UnsupportedMediaType(f"{detail}{', '.join(MEDIA_TYPES)}.")
        options, content = _options(query.model_dump(exclude_unset=True)), request.get_data()
        is_nothing = not content and request.mimetype in _SAY_NOTHING
        return SentTable(options, None if is_nothing else content)
    except RequestEntityTooLarge:
        detail = f"The body is larger than {MAX_BYTES // 1_000_000} MB; send fewer rows."
        raise TooLarge(detail) from None


def _validated(body: type[Body], document: Any) -> dict[str, Any]:
    try:
        return body.model_validate(document).model_dump(exclude_unset=True)
    except ValidationError as error:
        found = field_errors(error)
        raise InvalidInput(summary(found), errors=found) from None


def _refuse_query() -> None:
    """Options of a JSON body are in it: in two places they could differ."""
    for name in request.args:
        detail = "With a body of JSON this belongs into the body; leave it out of the query."
        raise InvalidInput(f"/{name}: {detail}", errors=[FieldError(f"/{name}", detail)])


def _options(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.split(",") if k in _LISTS else v for k, v in values.items()}
