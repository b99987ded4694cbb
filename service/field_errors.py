"""What pydantic finds wrong, said as JSON pointers and remedies. Knows no HTTP."""

from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipelines.errors import FieldError

MAX_ERRORS = 20
_LONGEST_NAME = 256

_REMEDIES = {
    "missing": "This field is required; add it.",
    "extra_forbidden": "There is no such field here; check its spelling or leave it out.",
    "model_type": "Send a JSON object here.",
    "model_attributes_type": "Send a JSON object here.",
    "string_unicode": "This is not valid Unicode (half of a surrogate pair); correct it.",
}


def field_errors(error: ValidationError) -> list[FieldError]:
    """Each fault with the pointer to its field, in the order of the document."""
    found = error.errors(include_url=False, include_input=False)
    return [FieldError(_pointer(fault["loc"]), _detail(fault)) for fault in found[:MAX_ERRORS]] + (
        [FieldError("", f"{len(found) - MAX_ERRORS} more like these are not listed.")]
        if len(found) > MAX_ERRORS
        else []
    )


def summary(found: Sequence[FieldError]) -> str:
    """One sentence that names the first field at fault."""
    first = found[0]
    where = f"{first.pointer}: " if first.pointer else ""
    more = f" (and {len(found) - 1} more, see errors)" if len(found) > 1 else ""
    return f"{where}{first.detail}{more}"


def _pointer(loc: Sequence[int | str]) -> str:
    """RFC 6901; a caller's own field name is cut and made printable."""
    return "".join(f"/{_escaped(str(part))}" for part in loc)


def _escaped(part: str) -> str:
    shown = part[:_LONGEST_NAME].encode("utf-8", "replace").decode()
    return shown.replace("~", "~0").replace("/", "~1")


def _detail(fault: ErrorDetails) -> str:
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    return _REMEDIES.get(fault["type"], f"{fault['msg']}.")
