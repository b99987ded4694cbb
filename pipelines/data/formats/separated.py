"""Rows of fixed columns without a header or a quoting rule: `user item weight [time]`.

What the published files of MovieLens, Last.fm and the Taste Profile share.
"""

from typing import IO

from pipelines.data.formats.base import BadRow, Head, Reading, ReadOptions, collect, most
from pipelines.data.formats.cells import Remembered, read_id, read_text, read_weight, time_reader
from pipelines.data.formats.csv_columns import has_usual_names
from pipelines.data.formats.csv_records import split_header
from pipelines.data.formats.lines import numbered_lines, without_blanks
from pipelines.storage.interactions import NewInteraction
from pipelines.storage.tables import UNTIMED

FIELDS = ("user", "item", "weight", "time")


def read_rows(
    stream: IO[bytes],
    options: ReadOptions,
    *,
    names: tuple[str, ...],
    separator: str,
    action: str,
    skip: int = 0,
) -> Reading:
    """The rows after the first `skip` lines; `names` are what reasons call the columns, 3 or 4."""
    read_time = time_reader(options.now)
    action = options.action or action
    users, items = Remembered(read_id, names[0]), Remembered(read_id, names[1])
    weights = Remembered(read_weight, names[2])
    timed = len(names) == len(FIELDS)

    def parse(line: bytes) -> tuple[NewInteraction]:
        cells = read_text(line).split(separator)
        if len(cells) != len(names):
            raise BadRow(f"has {len(cells)} columns, needed are {len(names)}: {', '.join(names)}")
        when = read_time(cells[3], names[3]) if timed else UNTIMED
        user_id, item_id, weight = users[cells[0]], items[cells[1]], weights[cells[2]]
        return (NewInteraction(user_id, item_id, action, weight, when),)

    lines = without_blanks(numbered_lines(stream, skip=skip))
    fields = dict(zip(FIELDS, names, strict=False))
    return Reading(fields, collect(lines, parse, file=options.file))


def numeric_rows(head: Head, *, n_columns: int, separator: str) -> bool:
    """Whether most lines are that many numbers, below no line of column names."""

    def numeric(line: str) -> bool:
        cells = line.split(separator)
        return len(cells) == n_columns and all(map(is_number, cells))

    return most(head.lines, numeric) and not has_usual_names(split_header(head.lines[0])[0])


def is_number(cell: str) -> bool:
    """Whether it is digits, with a point among them or without."""
    return cell.replace(".", "", 1).isdigit()
