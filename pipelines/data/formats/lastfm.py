"""Last.fm (HetRec 2011): play counts of `user_artists.dat`, names from `artists.dat`.

The published file has a header; copies without one are about, so both are read.
"""

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
    read_head,
)
from pipelines.data.formats.cells import read_text
from pipelines.data.formats.item_files import described_item, described_items
from pipelines.data.formats.lines import numbered_lines
from pipelines.data.formats.tabs import looks_numeric, row_parser
from pipelines.storage.items import NewItem

COLUMNS = ("userID", "artistID", "weight")
HEADER = "\t".join(COLUMNS)
ARTISTS = "artists.dat"
ARTISTS_HEADER = "id\tname\t"


def sniff(head: Head) -> bool:
    """Whether it has the header, or its lines are three numbers with tabs between them."""
    return head.lines[0] == HEADER or most(
        head.lines, lambda line: looks_numeric(line, len(COLUMNS))
    )


def read(stream: BinaryIO, options: ReadOptions) -> Iterator[Chunk]:
    """Play counts, action `play`, untimed."""
    parse = row_parser(COLUMNS, options, action="play")
    lines = numbered_lines(stream, skip=int(options.head.lines[0] == HEADER))
    return collect(lines, parse, file=options.file)


def describe(folder: Path) -> Iterator[NewItem | BadLine]:
    """Names of `artists.dat`."""
    has_header = read_head(folder / ARTISTS).lines[0].startswith(ARTISTS_HEADER)
    with (folder / ARTISTS).open("rb") as stream:
        lines = numbered_lines(stream, skip=int(has_header))
        yield from described_items(lines, _artist, file=ARTISTS)


def _artist(line: bytes) -> NewItem:
    cells = read_text(line).split("\t")
    if len(cells) < 2:
        raise BadRow("has no tab, needed are an id and a name")
    return described_item(cells[0], cells[1])


LASTFM = Format(
    name="lastfm",
    summary="Last.fm user_artists.dat (userID, artistID, weight with tabs), with artists.dat",
    usual_names=("user_artists.dat",),
    sniff=sniff,
    read=read,
    companions=(ARTISTS,),
    describe=describe,
)
