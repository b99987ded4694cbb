"""One line a user: `user item item ...`, as in the splits of published recommender papers."""

from collections.abc import Iterator
from typing import BinaryIO

from pipelines.data.formats.base import Chunk, Format, Head, ReadOptions, collect, most
from pipelines.data.formats.cells import read_id, read_text
from pipelines.data.formats.lines import numbered_lines
from pipelines.storage.interactions import NewInteraction
from pipelines.storage.tables import UNTIMED

USUAL_NAMES = ("train.txt", "test.txt")


def sniff(head: Head) -> bool:
    """Whether its lines are whole numbers with spaces between them.

    Ids that are words are believed only under a usual name: any prose looks like that.
    """
    believed = _words if head.path.name in USUAL_NAMES else _whole_numbers
    return most(head.lines, believed)


def read(stream: BinaryIO, options: ReadOptions) -> Iterator[Chunk]:
    """Items of each user, action `like`, weight 1, untimed. A user without items gives no rows."""
    action = options.action or "like"

    def parse(line: bytes) -> list[NewInteraction]:
        user, *items = read_text(line).split()
        user_id = read_id(user, "user id")
        item_ids = [read_id(item, "item id") for item in items]
        return [NewInteraction(user_id, item, action, 1.0, UNTIMED) for item in item_ids]

    return collect(numbered_lines(stream), parse, file=options.file)


def _words(line: str) -> bool:
    return line.isprintable() and " " in line and "," not in line


def _whole_numbers(line: str) -> bool:
    return line.replace(" ", "").isdigit() and " " in line.strip()


USER_LINES = Format(
    name="user-lines",
    summary="lines `user item item ...` with spaces between them, like train.txt",
    usual_names=("train.txt",),
    sniff=sniff,
    read=read,
)
