"""The shape that every format has, and the pieces it is made of. No format is here.

A format looks at the beginning of a file (`sniff`) and says whether the file is its own, then
reads it as chunks of interactions with the lines it could not read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources.abc import Traversable
from typing import IO, NamedTuple, TypeVar

from pipelines.storage.interactions import NewInteraction
from pipelines.storage.items import NewItem

CHUNK_ROWS = 200_000
"""Rows that are in memory, and stored, at a time: many, since rows are written in sorted order and
nearly every page of a table is written again for each chunk.
"""
HEAD_BYTES = 1 << 16

Line = TypeVar("Line")


class BadRow(ValueError):
    """One line cannot be used; the message is the reason."""


@dataclass(frozen=True)
class BadLine:
    """A line that was left out: its file's name, its number from 1 and the reason.

    Where a file has rows instead of lines, like Parquet, the number is the row's.
    """

    file: str
    line: int
    reason: str


class Chunk(NamedTuple):
    """What some lines gave; `lines` counts the lines with data on them, bad ones too."""

    rows: list[NewInteraction]
    items: list[NewItem]
    bad: list[BadLine]
    lines: int


class Reading(NamedTuple):
    """What a file holds: for people where each field comes from, and its rows chunk by chunk."""

    fields: Mapping[str, str]
    chunks: Iterator[Chunk]


@dataclass(frozen=True)
class Columns:
    """Which column of a CSV or Parquet file holds what; None: found by its name, if at all."""

    user: str | None = None
    item: str | None = None
    weight: str | None = None
    time: str | None = None
    action: str | None = None
    title: str | None = None
    categories: str | None = None

    def any_named(self) -> bool:
        """Whether the caller named a column."""
        return self != Columns()


@dataclass(frozen=True)
class Head:
    """The beginning of a file: its name, and at most `HEAD_BYTES`, cut at the last whole line."""

    name: str
    data: bytes

    @property
    def lines(self) -> list[str]:
        """Its lines as text without their ends; bytes that are not UTF-8 are replaced."""
        text = self.data.decode("utf-8-sig", errors="replace")
        return [line.removesuffix("\r") for line in text.split("\n")]


@dataclass(frozen=True)
class ReadOptions:
    """How a file is read: `action` replaces the format's own, times after `now` are refused."""

    head: Head
    now: datetime
    columns: Columns = Columns()
    action: str | None = None

    @property
    def file(self) -> str:
        """What reasons call the file."""
        return self.head.name


@dataclass(frozen=True)
class Format:
    """One way in which interactions are written down."""

    name: str
    summary: str
    """What a file of it looks like, for people."""
    usual_names: tuple[str, ...]
    """Names that decide which file of a folder is meant, when several could be."""
    sniff: Callable[[Head], bool]
    read: Callable[[IO[bytes], ReadOptions], Reading]
    """Raises InvalidInput at once when the columns cannot be told."""
    companions: tuple[str, ...] = ()
    """Names of files beside it that describe items, `{stem}` for its own name without the ending.
    Without the first the others say nothing; each of those may be missing.
    """
    describe: Callable[[Sequence[Traversable]], Iterator[NewItem | BadLine]] | None = None
    """Reads the companions that are there."""
    takes_columns: bool = False
    """Whether a caller may name its columns."""


def read_head(file: Traversable) -> Head:
    """The beginning of a file. Raises OSError."""
    with file.open("rb") as stream:
        return head_of(stream, file.name)


def head_of(stream: IO[bytes], name: str) -> Head:
    """The beginning of a stream, which is read from where it stands."""
    data = stream.read(HEAD_BYTES)
    if len(data) == HEAD_BYTES:
        data = data[: data.rfind(b"\n") + 1] or data
    return Head(name=name, data=data)


def most(lines: Iterable[str], looks_right: Callable[[str], bool]) -> bool:
    """Whether more than half of the lines with something on them look right.

    Half, not all: a file with some damaged lines is still recognised, and its damage reported.
    """
    verdicts = [looks_right(line) for line in lines if line.strip()]
    return 2 * sum(verdicts) > len(verdicts)


def collect(
    lines: Iterable[tuple[int, Line]],
    parse: Callable[[Line], Iterable[NewInteraction]],
    *,
    file: str,
) -> Iterator[Chunk]:
    """Parse numbered lines into chunks of at most `CHUNK_ROWS` rows.

    `parse` raises BadRow for a line that it cannot read.
    """
    rows: list[NewInteraction] = []
    bad: list[BadLine] = []
    n_lines = 0
    for number, line in lines:
        n_lines += 1
        try:
            rows += parse(line)
        except BadRow as error:
            bad.append(BadLine(file, number, str(error)))
        while len(rows) >= CHUNK_ROWS or len(bad) >= CHUNK_ROWS:
            yield Chunk(rows[:CHUNK_ROWS], [], bad, n_lines)
            rows, bad, n_lines = rows[CHUNK_ROWS:], [], 0
    yield Chunk(rows, [], bad, n_lines)
