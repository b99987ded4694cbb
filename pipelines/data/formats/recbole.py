"""RecBole's atomic files: `NAME.inter` with a typed header, items described in `NAME.item`.

Columns have tabs between them and a header like `user_id:token`; there is no quoting rule.
"""

import re
from collections.abc import Iterator, Sequence
from importlib.resources.abc import Traversable
from typing import IO

from pipelines.data.formats.base import (
    BadLine,
    BadRow,
    Format,
    Head,
    Reading,
    ReadOptions,
    read_head,
)
from pipelines.data.formats.cells import read_text
from pipelines.data.formats.csv_columns import has_usual_names
from pipelines.data.formats.item_files import described_item, described_items
from pipelines.data.formats.lines import numbered_lines, without_blanks
from pipelines.data.formats.named_columns import read_named
from pipelines.storage.items import NewItem

TITLES = ("title", "movie_title", "name", "item_name")
CATEGORIES = ("categories", "category", "genres", "genre", "class")
_TYPED = re.compile(r"(.+):(?:token|float)(?:_seq)?")


def sniff(head: Head) -> bool:
    """Whether every column of its header has a type, and those of users and items are there."""
    names = _names(head)
    return names is not None and has_usual_names(names)


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Interactions; the name of the weight column tells the action, as in CSV."""
    lines = without_blanks(numbered_lines(stream, skip=1))
    return read_named(lines, _cells, _names(options.head) or [], options)


def describe(companions: Sequence[Traversable]) -> Iterator[NewItem | BadLine]:
    """Titles, and categories with spaces between them; a file without item ids is one bad line."""
    head = read_head(companions[0])
    names = _names(head) or []
    item_at, title_at, categories_at = (
        next((names.index(name) for name in usual if name in names), None)
        for usual in (("item_id",), TITLES, CATEGORIES)
    )
    if item_at is None:
        yield BadLine(head.name, 1, "names no column item_id:token")
        return
    chosen: int = item_at

    def parse(line: bytes) -> NewItem:
        cells = _cells(line)
        if len(cells) != len(names):
            raise BadRow(f"has {len(cells)} columns, the header has {len(names)}")
        title = "" if title_at is None else cells[title_at]
        categories = None if categories_at is None else "|".join(cells[categories_at].split())
        return described_item(cells[chosen], title, categories)

    with companions[0].open("rb") as stream:
        yield from described_items(numbered_lines(stream, skip=1), parse, file=head.name)


def _names(head: Head) -> list[str] | None:
    """The names of the columns without their types; None where one has no type."""
    typed = [_TYPED.fullmatch(cell.strip()) for cell in head.lines[0].split("\t")]
    names = [match.group(1) for match in typed if match is not None]
    return names if len(names) == len(typed) else None


def _cells(line: bytes) -> list[str]:
    return read_text(line).split("\t")


RECBOLE = Format(
    name="recbole",
    summary="RecBole NAME.inter (user_id:token, item_id:token, ... with tabs), with NAME.item",
    usual_names=(),
    sniff=sniff,
    read=read,
    companions=("{stem}.item",),
    describe=describe,
)
