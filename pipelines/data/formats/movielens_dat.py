"""MovieLens 1M and 10M: `ratings.dat` with `::` between columns, items from `movies.dat`."""

from collections.abc import Iterator, Sequence
from importlib.resources.abc import Traversable
from typing import IO

from pipelines.data.formats.base import BadLine, BadRow, Format, Head, Reading, ReadOptions
from pipelines.data.formats.item_files import described_item, described_items
from pipelines.data.formats.lines import numbered_lines
from pipelines.data.formats.separated import numeric_rows, read_rows
from pipelines.storage.items import NewItem

COLUMNS = ("UserID", "MovieID", "Rating", "Timestamp")
SEPARATOR = "::"
MOVIES = "movies.dat"
N_MOVIE_COLUMNS = 3
NO_GENRES = "(no genres listed)"


def sniff(head: Head) -> bool:
    """Whether its lines are four numbers with `::` between them."""
    return numeric_rows(head, n_columns=len(COLUMNS), separator=SEPARATOR)


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Ratings, action `rate`."""
    return read_rows(stream, options, names=COLUMNS, separator=SEPARATOR, action="rate")


def describe(companions: Sequence[Traversable]) -> Iterator[NewItem | BadLine]:
    """Titles and genres of `movies.dat`."""
    with companions[0].open("rb") as stream:
        yield from described_items(numbered_lines(stream), _movie, file=MOVIES)


def _movie(line: bytes) -> NewItem:
    cells = _text(line).split(SEPARATOR)
    if len(cells) != N_MOVIE_COLUMNS:
        raise BadRow(f"has {len(cells)} columns, needed are MovieID::Title::Genres")
    movie_id, title, genres = cells
    return described_item(movie_id, title, "" if genres == NO_GENRES else genres)


def _text(line: bytes) -> str:
    """The 10M file is UTF-8, the 1M file latin-1, whose accents are no UTF-8."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


MOVIELENS_DAT = Format(
    name="movielens-dat",
    summary="MovieLens ratings.dat (user::item::rating::time), with movies.dat beside it",
    usual_names=("ratings.dat",),
    sniff=sniff,
    read=read,
    companions=(MOVIES,),
    describe=describe,
)
