"""MovieLens with headers: `ratings.csv`, titles and genres from `movies.csv`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.resources.abc import Traversable
from typing import IO

from pipelines.data.formats import csv_file
from pipelines.data.formats.base import BadLine, BadRow, Columns, Format, Head, Reading, ReadOptions
from pipelines.data.formats.csv_records import numbered_records, split_cells
from pipelines.data.formats.item_files import described_item, described_items
from pipelines.storage.items import NewItem

HEADER = "userId,movieId,rating,timestamp"
COLUMNS = Columns(user="userId", item="movieId", weight="rating", time="timestamp")
MOVIES = "movies.csv"
N_MOVIE_COLUMNS = 3
NO_GENRES = "(no genres listed)"


def sniff(head: Head) -> bool:
    """Whether it begins with the header of `ratings.csv`."""
    return head.lines[0].strip() == HEADER


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Ratings, action `rate`."""
    return csv_file.read(stream, replace(options, columns=COLUMNS))


def describe(companions: Sequence[Traversable]) -> Iterator[NewItem | BadLine]:
    """Titles and genres of `movies.csv`."""
    with companions[0].open("rb") as stream:
        records = numbered_records(stream, delimiter=",", n_columns=N_MOVIE_COLUMNS)
        yield from described_items(records, _movie, file=MOVIES)


def _movie(record: bytes) -> NewItem:
    cells = split_cells(record, ",")
    if len(cells) != N_MOVIE_COLUMNS:
        raise BadRow(f"has {len(cells)} columns, needed are movieId,title,genres")
    movie_id, title, genres = cells
    return described_item(movie_id, title, "" if genres == NO_GENRES else genres)


MOVIELENS_CSV = Format(
    name="movielens-csv",
    summary=f"MovieLens ratings.csv ({HEADER}), with movies.csv beside it",
    usual_names=("ratings.csv",),
    sniff=sniff,
    read=read,
    companions=(MOVIES,),
    describe=describe,
)
