"""The OpenAPI document in the order in which a person reads it. Draws nothing (`templates`)."""

import json
import re
import shlex
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from service.problems import STATUSES

JSON = "application/json"

EXAMPLE_IDS = {
    "user_id": "client-4",
    "item_id": "song-4",
    "run_id": "20c645a516de4c8f8c170485421161e1",
    "artifact_id": "denoising-0123456789abcdef",
    "name": "nightly",
    "detector_id": "people-0123456789abcdef",
    "anomaly_id": "0f3c6a8e5b214d7790a1b2c3d4e5f607",
}
"""What stands in the paths of the examples; users and items are those of the song table."""


@dataclass(frozen=True)
class Operation:
    """One operation with what the page shows of it."""

    method: str
    path: str
    spec: dict[str, Any]
    curl: str

    @property
    def anchor(self) -> str:
        """A name for links to it."""
        words = self.path.translate(str.maketrans("/{}", "---")).strip("-")
        return f"{self.method}-{words}"


def groups(spec: dict[str, Any], address: str) -> dict[str, list[Operation]]:
    """The operations by tag, the tags in the order of the document."""
    by_tag: dict[str, list[Operation]] = defaultdict(list)
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            curl = _curl(method, address + path, operation)
            by_tag[operation["tags"][0]].append(Operation(method, path, operation, curl))
    return {tag["name"]: by_tag[tag["name"]] for tag in spec["tags"] if tag["name"] in by_tag}


def problem_kinds() -> list[tuple[int, str, str]]:
    """Status, slug and meaning of every problem."""
    return [(status, kind.slug, kind.title) for kind, status in STATUSES.items()]


def prose(text: str) -> Markup:
    """Text whose `quoted words` are code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _curl(method: str, url: str, operation: dict[str, Any]) -> str:
    """The operation as a command, with the ids of the examples."""
    url = url.format_map(EXAMPLE_IDS)
    names = [p["name"] for p in operation["parameters"] if p["in"] == "query" and p["required"]]
    if names:
        url += "?" + "&".join(f"{name}=client-4" for name in names)
    words = ["curl", shlex.quote(url)]
    if method not in ("get", "post"):
        words[1:1] = ["-X", method.upper()]
    if "requestBody" in operation:
        words += _body(operation["requestBody"]["content"])
    return " ".join(words)


def _body(content: dict[str, Any]) -> list[str]:
    """The options of curl that send the example, or a picture."""
    if JSON not in content:
        return ["-H", "'Content-Type: image/png'", "--data-binary", "@picture.png"]
    example = shlex.quote(json.dumps(content[JSON]["example"]))
    return ["-H", f"'Content-Type: {JSON}'", "-d", example]
