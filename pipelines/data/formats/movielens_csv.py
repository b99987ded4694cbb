"""MovieLens with headers: `ratings.csv`; `movies.csv` (titles, genres) and `tags.csv` beside it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.resources.abc import Traversable
from typing import IO

from pipelines.data.formats import csv_file
from pipelines.data.formats.base import BadLine, BadRow, Columns, Format, Head, Reading, ReadOptions
from pipelines.data.formats.cells import read_id, read_title
from pipelines.data.formats.csv_records import numbered_records, split_cells
from pipelines.data.formats.item_files import described_item, described_items
from pipelines.storage.items import NewItem

HEADER = "userId,movieId,rating,timestamp"
COLUMNS = Columns(user="userId", item="movieId", weight="rating", time="timestamp")
MOVIES, TAGS = "movies.csv", "tags.csv"
N_MOVIE_COLUMNS, N_TAG_COLUMNS = 3, 4
MAX_TAGS = 100
"""Tags kept of a movie: those that most users gave it."""
NO_GENRES = "(no genres listed)"


def sniff(head: Head) -> bool:
    """Whether it begins with the header of `ratings.csv`."""
    return head.lines[0].strip() == HEADER


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Ratings, action `rate`."""
    return csv_file.read(stream, replace(options, columns=COLUMNS))


def describe(companions: Sequence[Traversable]) -> Iterator[NewItem | BadLine]:
    """Titles and genres of `movies.csv`, and the tags where `tags.csv` is there too."""
    movies, *rest = companions
    tags: dict[str, list[str]] = {}
    if rest:
        tags, bad = _read_tags(rest[0])
        yield from bad
    with movies.open("rb") as stream:
        records = numbered_records(stream, delimiter=",", n_columns=N_MOVIE_COLUMNS)
        for item in described_items(records, _movie, file=MOVIES):
            if isinstance(item, NewItem):
                item = item._replace(tags=tags.pop(item.item_id, None))
            yield item
    yield from (NewItem(movie_id, tags=given) for movie_id, given in tags.items())


def _read_tags(file: Traversable) -> tuple[dict[str, list[str]], list[BadLine]]:
    """Each movie's tags in lower case, those that most users gave first; and the bad lines."""
    counts: dict[str, Counter[str]] = {}
    bad = []
    with file.open("rb") as stream:
        for number, record in numbered_records(stream, delimiter=",", n_columns=N_TAG_COLUMNS):
            try:
                movie_id, tag = _tag(record)
            except BadRow as error:
                bad.append(BadLine(TAGS, number, str(error)))
                continue
            counts.setdefault(movie_id, Counter())[tag] += 1
    return {movie_id: _most_given(given) for movie_id, given in counts.items()}, bad


def _tag(record: bytes) -> tuple[str, str]:
    cells = split_cells(record, ",")
    if len(cells) != N_TAG_COLUMNS:
        raise BadRow(f"has {len(cells)} columns, needed are userId,movieId,tag,timestamp")
    tag = read_title(cells[2])
    if tag is None:
        raise BadRow("the tag is empty")
    return read_id(cells[1], "item id"), tag.lower()


def _most_given(counts: "Counter[str]") -> list[str]:
    ordered = sorted(counts, key=lambda tag: (-counts[tag], tag))
    return ordered[:MAX_TAGS]


def _movie(record: bytes) -> NewItem:
    cells = split_cells(record, ",")
    if len(cells) != N_MOVIE_COLUMNS:
        raise BadRow(f"has {len(cells)} columns, needed are movieId,title,genres")
    movie_id, title, genres = cells
    return described_item(movie_id, title, "" if genres == NO_GENRES else genres)


MOVIELENS_CSV = Format(
    name="movielens-csv",
    summary=f"MovieLens ratings.csv ({HEADER}), with movies.csv and tags.csv beside it",
    usual_names=("ratings.csv",),
    sniff=sniff,
    read=read,
    companions=(MOVIES, TAGS),
    describe=describe,
)
