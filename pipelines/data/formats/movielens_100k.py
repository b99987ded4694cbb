"""MovieLens 100K: `u.data`, titles and genre flags from `u.item`, their names from `u.genre`."""

from collections.abc import Iterator, Sequence
from importlib.resources.abc import Traversable
from typing import IO

from pipelines.data.formats.base import BadLine, BadRow, Format, Head, Reading, ReadOptions
from pipelines.data.formats.item_files import described_item, described_items
from pipelines.data.formats.lines import numbered_lines
from pipelines.data.formats.separated import numeric_rows, read_rows
from pipelines.storage.items import NewItem

COLUMNS = ("user id", "item id", "rating", "timestamp")
ITEMS, GENRES = "u.item", "u.genre"
N_PLAIN_COLUMNS = 5
"""Columns of `u.item` before the flags: id, title, release date, video date, address."""


def sniff(head: Head) -> bool:
    """Whether its lines are four numbers with tabs between them."""
    return numeric_rows(head, n_columns=len(COLUMNS), separator="\t")


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Ratings, action `rate`."""
    return read_rows(stream, options, names=COLUMNS, separator="\t", action="rate")


def describe(companions: Sequence[Traversable]) -> Iterator[NewItem | BadLine]:
    """Titles of `u.item`, and genres where `u.genre` names its flags. Both are latin-1."""
    items, *others = companions
    genres = _genres(others[0]) if others else []

    def parse(line: bytes) -> NewItem:
        cells = line.decode("latin-1").split("|")
        if len(cells) < N_PLAIN_COLUMNS:
            raise BadRow(f"has {len(cells)} columns, at least {N_PLAIN_COLUMNS} are needed")
        flags = zip(genres, cells[N_PLAIN_COLUMNS:], strict=False)
        named = "|".join(genre for genre, flag in flags if flag == "1")
        return described_item(cells[0], cells[1], named if genres else None)

    with items.open("rb") as stream:
        yield from described_items(numbered_lines(stream), parse, file=ITEMS)


def _genres(file: Traversable) -> list[str]:
    """Names of the flags in their order; lines are `name|number` in order of the numbers."""
    lines = file.read_text(encoding="latin-1").splitlines()
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
