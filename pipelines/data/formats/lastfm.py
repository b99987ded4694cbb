"""Last.fm (HetRec 2011): play counts of `user_artists.dat`, names from `artists.dat`.

The published file has a header; copies without one are about, so both are read.
"""

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
from pipelines.data.formats.item_files import described_item, described_items
from pipelines.data.formats.lines import numbered_lines
from pipelines.data.formats.separated import numeric_rows, read_rows
from pipelines.storage.items import NewItem

COLUMNS = ("userID", "artistID", "weight")
HEADER = "\t".join(COLUMNS)
ARTISTS = "artists.dat"
ARTISTS_HEADER = "id\tname\t"


def sniff(head: Head) -> bool:
    """Whether it has the header, or its lines are three numbers with tabs between them."""
    named = head.lines[0] == HEADER
    return named or numeric_rows(head, n_columns=len(COLUMNS), separator="\t")


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Play counts, action `play`, untimed."""
    skip = int(options.head.lines[0] == HEADER)
    return read_rows(stream, options, names=COLUMNS, separator="\t", action="play", skip=skip)


def describe(companions: Sequence[Traversable]) -> Iterator[NewItem | BadLine]:
    """Names of `artists.dat`."""
    (artists,) = companions
    has_header = read_head(artists).lines[0].startswith(ARTISTS_HEADER)
    with artists.open("rb") as stream:
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
