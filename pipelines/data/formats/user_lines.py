"""One line a user: `user item item ...`, as in the splits of published recommender papers."""

from typing import IO

from pipelines.data.formats.base import Format, Head, Reading, ReadOptions, collect, most
from pipelines.data.formats.cells import Remembered, read_id, read_text
from pipelines.data.formats.lines import numbered_lines, without_blanks
from pipelines.storage.interactions import NewInteraction
from pipelines.storage.tables import UNTIMED

USUAL_NAMES = ("train.txt", "test.txt")
FIELDS = {"user": "first of a line", "item": "each other one"}


def sniff(head: Head) -> bool:
    """Whether its lines are whole numbers with spaces between them.

    Ids that are words are believed only under a usual name: any prose looks like that.
    """
    believed = _words if head.name in USUAL_NAMES else _whole_numbers
    return most(head.lines, believed)


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Items of each user, action `like`, weight 1, untimed. A user without items gives no rows."""
    action = options.action or "like"
    known = Remembered(read_id, "item id")

    def parse(line: bytes) -> list[NewInteraction]:
        user, *items = read_text(line).split()
        user_id = read_id(user, "user id")
        return [NewInteraction(user_id, known[item], action, 1.0, UNTIMED) for item in items]

    lines = without_blanks(numbered_lines(stream))
    return Reading(FIELDS, collect(lines, parse, file=options.file))


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
