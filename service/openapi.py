"""What the generated OpenAPI document still lacks: the problems of each operation."""

import json
import re
from importlib.metadata import version
from typing import Any, cast

from pydantic import BaseModel

from service.image_bodies import FORM, MEDIA_TYPES
from service.problems import MAX_BODY_BYTES, PROBLEM_JSON
from service.schemas.detectors import DetectorBody, DriftBody, ScoreBody
from service.schemas.fields import ID_SCHEMA
from service.table_bodies import JSON
from service.table_bodies import MEDIA_TYPES as TABLES

VERSION = version("hourglass")

DESCRIPTION = """\
Hourglass learns what belongs together from who liked what, and answers four questions: what to
recommend, what a row should look like, where it lies, and whether it is strange.

Ids are strings of 1 to 256 printable characters; in a path they are percent-encoded, `/` as `%2F`.
Times are RFC 3339 with an offset. Lists are read page by page with `next_cursor`. Every error is a
problem document (RFC 9457). Every answer carries `X-Request-ID`, the caller's own where one was
sent."""

PROBLEMS = {
    400: "The request cannot be read",
    404: "There is nothing of this id",
    413: f"The body is larger than {MAX_BODY_BYTES // 1_000_000} MB, or a table or image too large",
    415: "The body is not declared as JSON, or is no table or image that is taken",
    422: "The input is not valid; `errors` names the fields",
    500: "A fault of the service; the log has it under `request_id`",
    503: "Not ready: the database is away or nothing is trained yet; `detail` gives the remedy",
}

IMAGE_BODY = {"x-body": "image"}
"""Marks, until the document is complete, an operation that takes an image."""
DETECTOR_BODY = {"x-body": "DetectorBody"}
"""Likewise one that takes a table to learn from."""
SCORE_BODY = {"x-body": "ScoreBody"}
"""Likewise one that takes a table to score."""
DRIFT_BODY = {"x-body": "DriftBody"}
"""Likewise one that takes a table to compare with that of training."""

_IMAGE_REQUEST: dict[str, Any] = {
    "description": "The image itself, or a form with it as its one file.",
    "content": {
        **{media_type: {"schema": {}} for media_type in MEDIA_TYPES},
        FORM: {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {"image": {"contentMediaType": "image/*"}},
            }
        },
    },
}

_TABLE_BODIES: dict[str, tuple[type[BaseModel], Any]] = {
    "DetectorBody": (
        DetectorBody,
        {
            "name": "people",
            "rows": [
                {"height": 171, "plan": "free"},
                {"height": 168.5, "plan": "paid"},
                {"height": None, "plan": "free"},
            ],
        },
    ),
    "DriftBody": (DriftBody, {"rows": [{"height": 171, "plan": "free"}]}),
    "ScoreBody": (ScoreBody, {"rows": [{"height": 301, "plan": "free"}], "alert_rate": 0.05}),
}
"""Of JSON beside tables: their schema and an example."""

_FIELD_ERROR = {
    "type": "object",
    "required": ["pointer", "detail"],
    "properties": {
        "pointer": {
            "type": "string",
            "description": "JSON pointer into the body, or `/name` of a parameter.",
        },
        "detail": {"type": "string", "description": "What is wrong and what to send instead."},
    },
}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "Any error, as RFC 9457 writes it.",
    "required": ["type", "title", "status", "detail", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
        "request_id": {"type": "string"},
    },
}


def complete(document: dict[Any, Any] | str) -> dict[Any, Any] | str:
    """The document with its problems, which APIFlask would describe in a form of its own."""
    spec = _flat_names(cast(dict[str, Any], document))  # text only where YAML is asked for
    schemas = spec["components"]["schemas"]
    schemas.pop("HTTPError", None)
    schemas["Problem"] = PROBLEM_SCHEMA
    schemas["FieldError"] = _FIELD_ERROR
    for name, (body, _) in _TABLE_BODIES.items():
        schemas[name] = body.model_json_schema()
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            _complete_operation(path, method, operation)
    return spec


def _flat_names(spec: dict[str, Any]) -> dict[str, Any]:
    """`ItemsAnswer.ItemAnswer` and `ItemAnswer` are the same schema: call it `ItemAnswer`."""
    schemas = spec["components"]["schemas"]
    spec["components"]["schemas"] = {
        name.rpartition(".")[2]: schema for name, schema in schemas.items()
    }
    text = re.sub(r"(#/components/schemas/)\w+\.", r"\1", json.dumps(spec))
    flat: dict[str, Any] = json.loads(text)
    return flat


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if (body := operation.pop("x-body", None)) is not None:
        operation["requestBody"] = _table_request(body) if body != "image" else dict(_IMAGE_REQUEST)
    own = {int(code): told["description"] for code, told in responses.items() if code >= "400"}
    described = {code: PROBLEMS[code] for code in _statuses(path, method, operation)} | own
    for code, description in described.items():
        responses[str(code)] = _problem(description)
    if "201" in responses:
        responses["201"]["content"] = responses["200"]["content"]
    operation["responses"] = dict(sorted(responses.items()))
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            parameter["schema"] = ID_SCHEMA


def _table_request(body: str) -> dict[str, Any]:
    """JSON, or a table whose options are in the query."""
    json_body = {
        "schema": {"$ref": f"#/components/schemas/{body}"},
        "example": _TABLE_BODIES[body][1],
    }
    return {
        "description": "JSON; or a table as it is, with the options in the query.",
        "content": {JSON: json_body, **{media_type: {"schema": {}} for media_type in TABLES}},
    }


def _statuses(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    """The problems that an operation of this form can answer with."""
    statuses = {500, 503} if path.startswith("/v1/") else {500}
    if "requestBody" in operation:
        statuses |= {400, 413, 415, 422}
    if operation["parameters"]:
        statuses |= {422}
    if "{" in path:
        statuses |= {400} if method == "put" else {400, 404}
    return statuses


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {PROBLEM_JSON: {"schema": schema}}}
