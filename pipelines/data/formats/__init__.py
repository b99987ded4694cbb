"""The formats that `hourglass import` knows: one module each, and one line in `FORMATS`."""

from pipelines.data.formats.base import Format, Head
from pipelines.data.formats.csv_file import CSV
from pipelines.data.formats.jsonl import JSONL
from pipelines.data.formats.lastfm import LASTFM
from pipelines.data.formats.movielens_100k import MOVIELENS_100K
from pipelines.data.formats.movielens_csv import MOVIELENS_CSV
from pipelines.data.formats.movielens_dat import MOVIELENS_DAT
from pipelines.data.formats.parquet import PARQUET
from pipelines.data.formats.recbole import RECBOLE
from pipelines.data.formats.triplets import TRIPLETS
from pipelines.data.formats.user_lines import USER_LINES

FORMATS: tuple[Format, ...] = (
    PARQUET,
    JSONL,
    MOVIELENS_CSV,
    MOVIELENS_100K,
    MOVIELENS_DAT,
    LASTFM,
    RECBOLE,
    CSV,
    TRIPLETS,
    USER_LINES,
)
"""In the order in which they are tried: what a special one claims, the general one never sees."""


def recognise(head: Head) -> Format | None:
    """The first format whose file this looks like, or None."""
    return next((known for known in FORMATS if known.sniff(head)), None)


__all__ = ["CSV", "FORMATS", "PARQUET", "Format", "Head", "recognise"]
