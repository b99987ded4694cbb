"""MovieLens 100K: `u.data`, titles and genre flags from `u.item`, their names from `u.genre`."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pipelines.data.formats.base import (
    BadLine,
    BadRow,
    Chunk,
    Format,
    Head,
    ReadOptions,
    collect,
    most,
)
from pipelines.data.formats.item_files import described_item, described_items
from pipelines.data.formats.lines import numbered_lines
from pipelines.data.formats.tabs import looks_numeric, row_parser
from pipelines.storage.items import NewItem

COLUMNS = ("user id", "item id", "rating", "timestamp")
ITEMS, GENRES = "u.item", "u.genre"
N_PLAIN_COLUMNS = 5
"""Columns of `u.item` before the flags: id, title, release date, video date, address."""


def sniff(head: Head) -> bool:
    """Whether its lines are four numbers with tabs between them."""
    return most(head.lines, lambda line: looks_numeric(line, len(COLUMNS)))


def read(stream: BinaryIO, options: ReadOptions) -> Iterator[Chunk]:
    """Ratings, action `rate`."""
    parse = row_parser(COLUMNS, options, action="rate")
    return collect(numbered_lines(stream), parse, file=options.file)


def describe(folder: Path) -> Iterator[NewItem | BadLine]:
    """Titles of `u.item`, and genres where `u.genre` names its flags. Both are latin-1."""
    genres = _genres(folder / GENRES)

    def parse(line: bytes) -> NewItem:
        cells = line.decode("latin-1").split("|")
        if len(cells) < N_PLAIN_COLUMNS:
            raise BadRow(f"has {len(cells)} columns, at least {N_PLAIN_COLUMNS} are needed")
        flags = zip(genres, cells[N_PLAIN_COLUMNS:], strict=False)
        named = "|".join(genre for genre, flag in flags if flag == "1")
        return described_item(cells[0], cells[1], named if genres else None)

    with (folder / ITEMS).open("rb") as stream:
        yield from described_items(numbered_lines(stream), parse, file=ITEMS)


def _genres(path: Path) -> list[str]:
    """Names of the flags in their order; lines are `name|number` in order of the numbers."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="latin-1").splitlines()
    return [line.split("|")[0] for line in lines if line.strip()]


MOVIELENS_100K = Format(
    name="movielens-100k",
    summary="MovieLens u.data (user, item, rating, time with tabs), with u.item and u.genre",
    usual_names=("u.data",),
    sniff=sniff,
    read=read,
    companions=(ITEMS, GENRES),
    describe=describe,
)
