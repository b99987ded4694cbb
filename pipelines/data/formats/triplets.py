"""Taste-Profile triplets: lines `user song count` with tabs or spaces, like train_triplets.txt."""

from typing import IO

from pipelines.data.formats.base import Format, Head, Reading, ReadOptions, most
from pipelines.data.formats.separated import is_number, read_rows

COLUMNS = ("user", "song", "count")


def sniff(head: Head) -> bool:
    """Whether its lines are two ids and a whole number.

    The ids are words: three numbers with tabs are Last.fm's, with spaces a user and two items.
    With spaces the song alone decides, since `anna 7 8` is a user and two items as well.
    """
    return most(head.lines, _with_tabs) or most(head.lines, _with_spaces)


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Play counts, action `play`, untimed."""
    separator = "\t" if most(options.head.lines, _with_tabs) else " "
    return read_rows(stream, options, names=COLUMNS, separator=separator, action="play")


def _with_tabs(line: str) -> bool:
    cells = line.split("\t")
    return _user_song_count(cells) and not (is_number(cells[0]) and is_number(cells[1]))


def _with_spaces(line: str) -> bool:
    cells = line.split(" ")
    return _user_song_count(cells) and not is_number(cells[1]) and "\t" not in line


def _user_song_count(cells: list[str]) -> bool:
    return len(cells) == len(COLUMNS) and all(cells) and cells[2].isdigit()


TRIPLETS = Format(
    name="triplets",
    summary="Taste-Profile triplets `user song count` with tabs or spaces, ids that are words",
    usual_names=("train_triplets.txt",),
    sniff=sniff,
    read=read,
)
