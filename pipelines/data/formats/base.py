"""The shape that every format has, and the pieces it is made of. No format is here.

A format looks at the beginning of a file (`sniff`) and says whether the file is its own, then
reads it as chunks of interactions with the lines it could not read.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pipelines.storage.interactions import NewInteraction
from pipelines.storage.items import NewItem

CHUNK_ROWS = 50_000
"""Rows that are in memory, and stored, at a time."""
HEAD_BYTES = 1 << 16


class BadRow(ValueError):
    """One line cannot be used; the message is the reason."""


@dataclass(frozen=True)
class BadLine:
    """A line that was left out: its file's name, its number from 1 and the reason."""

    file: str
    line: int
    reason: str


class Chunk(NamedTuple):
    """What some lines gave; `lines` counts the lines with data on them, bad ones too."""

    rows: list[NewInteraction]
    items: list[NewItem]
    bad: list[BadLine]
    lines: int


@dataclass(frozen=True)
class Columns:
    """Which column of a CSV file holds what; None: found by its name, where there is one."""

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
    """The beginning of a file: at most `HEAD_BYTES`, cut at the last whole line."""

    path: Path
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
        return self.head.path.name


@dataclass(frozen=True)
class Format:
    """One way in which interactions are written down."""

    name: str
    summary: str
    """What a file of it looks like, for people."""
    usual_names: tuple[str, ...]
    """Names that decide which file of a folder is meant, when several could be."""
    sniff: Callable[[Head], bool]
    read: Callable[[BinaryIO, ReadOptions], Iterator[Chunk]]
    """Raises InvalidInput before the first chunk when the columns cannot be told."""
    companions: tuple[str, ...] = ()
    """Names of files beside it that describe items; each may be missing."""
    describe: Callable[[Path], Iterator[NewItem | BadLine]] | None = None
    """Reads the companions in a folder: the first of them is there."""


def read_head(path: Path) -> Head:
    """The beginning of the file at `path`. Raises OSError."""
    with path.open("rb") as stream:
        data = stream.read(HEAD_BYTES)
    if len(data) == HEAD_BYTES:
        data = data[: data.rfind(b"\n") + 1] or data
    return Head(path=path, data=data)


def most(lines: Iterable[str], looks_right: Callable[[str], bool]) -> bool:
    """Whether more than half of the lines with something on them look right.

    Half, not all: a file with some damaged lines is still recognised, and its damage reported.
    """
    verdicts = [looks_right(line) for line in lines if line.strip()]
    return 2 * sum(verdicts) > len(verdicts)


def collect(
    lines: Iterable[tuple[int, bytes]],
    parse: Callable[[bytes], Iterable[NewInteraction]],
    *,
    file: str,
) -> Iterator[Chunk]:
    """Parse numbered lines into chunks of at most `CHUNK_ROWS` rows; blank lines are passed over.

    `parse` raises BadRow for a line that it cannot read.
    """
    chunk = Chunk([], [], [], 0)
    n_lines = 0
    for number, line in lines:
        if not line.strip():
            continue
        n_lines += 1
        try:
            chunk.rows.extend(parse(line))
        except BadRow as error:
            chunk.bad.append(BadLine(file, number, str(error)))
        while len(chunk.rows) >= CHUNK_ROWS or len(chunk.bad) >= CHUNK_ROWS:
            yield Chunk(chunk.rows[:CHUNK_ROWS], [], chunk.bad, n_lines)
            chunk = Chunk(chunk.rows[CHUNK_ROWS:], [], [], 0)
            n_lines = 0
    yield chunk._replace(lines=n_lines)
