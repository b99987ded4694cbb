"""JSON Lines: an object a line with the fields of an interaction as the API knows them."""

import json
from typing import IO, Any

from pipelines.data.formats.base import BadRow, Format, Head, Reading, ReadOptions, collect, most
from pipelines.data.formats.cells import (
    Remembered,
    exact_action,
    exact_id,
    read_text,
    read_weight,
    time_reader,
)
from pipelines.data.formats.lines import numbered_lines, without_blanks
from pipelines.storage.interactions import NewInteraction
from pipelines.storage.tables import UNTIMED

FIELDS = {
    "user": "user_id",
    "item": "item_id",
    "weight": "weight",
    "time": "occurred_at",
    "action": "action",
}


def sniff(head: Head) -> bool:
    """Whether its lines are objects with a `user_id` and an `item_id`."""
    return most(head.lines, _names_user_and_item)


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Interactions. Absent or null: action `like`, weight 1, untimed; other fields are passed over.

    An id may be a whole number, a time seconds since 1970.
    """
    read_time = time_reader(options.now)
    users, items = Remembered(exact_id, "user_id"), Remembered(exact_id, "item_id")
    actions = Remembered(exact_action, "action")
    default_action = options.action or "like"

    def parse(line: bytes) -> tuple[NewInteraction]:
        row = _object(read_text(line))
        weight, when, action = row.get("weight"), row.get("occurred_at"), row.get("action")
        return (
            NewInteraction(
                users[_text(row.get("user_id"), "user_id")],
                items[_text(row.get("item_id"), "item_id")],
                default_action if action is None else actions[_text(action, "action")],
                1.0 if weight is None else read_weight(_number(weight), "weight"),
                UNTIMED if when is None else read_time(_text(when, "occurred_at"), "occurred_at"),
            ),
        )

    lines = without_blanks(numbered_lines(stream))
    return Reading(FIELDS, collect(lines, parse, file=options.file))


def _names_user_and_item(line: str) -> bool:
    try:
        row = _object(line)
    except BadRow:
        return False
    return "user_id" in row and "item_id" in row


def _object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRow(f"is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise BadRow("is not a JSON object")
    return row


def _text(value: object, name: str) -> str:
    """What a string says, or a number as it is written."""
    if isinstance(value, str):
        return value
    if value is None:
        raise BadRow(f"has no {name}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRow(f"{name} is neither a string nor a number")
    return repr(value)


def _number(value: object) -> str:
    if isinstance(value, str):
        raise BadRow("weight is a string, a number is needed")
    return _text(value, "weight")


JSONL = Format(
    name="jsonl",
    summary='JSON Lines of {"user_id": ..., "item_id": ..., "action", "weight", "occurred_at"}',
    usual_names=("interactions.jsonl",),
    sniff=sniff,
    read=read,
)
