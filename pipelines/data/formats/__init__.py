"""The formats that `hourglass import` knows: one module each, and one line in `FORMATS`."""

from pipelines.data.formats.base import Format, Head
from pipelines.data.formats.csv_file import CSV
from pipelines.data.formats.lastfm import LASTFM
from pipelines.data.formats.movielens_100k import MOVIELENS_100K
from pipelines.data.formats.movielens_csv import MOVIELENS_CSV
from pipelines.data.formats.user_lines import USER_LINES

FORMATS: tuple[Format, ...] = (MOVIELENS_CSV, MOVIELENS_100K, LASTFM, USER_LINES, CSV)
"""In the order in which they are tried: what a special one claims, the general one never sees."""


def recognise(head: Head) -> Format | None:
    """The first format whose file this looks like, or None."""
    return next((known for known in FORMATS if known.sniff(head)), None)


__all__ = ["CSV", "FORMATS", "Format", "Head", "recognise"]
