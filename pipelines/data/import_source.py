"""Which file is meant by a path, of which format it is, and what describes its items.

Looks at beginnings and digests only; the rows are read in `importing.py`.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import IO

from pipelines.data.content import Content, Opened, is_zip, members
from pipelines.data.formats import CSV, FORMATS, PARQUET, recognise
from pipelines.data.formats.base import BadLine, Columns, Format, Head
from pipelines.data.formats.csv_columns import find_columns
from pipelines.data.formats.csv_records import split_header
from pipelines.errors import FieldError, InvalidInput, NotFound
from pipelines.storage.items import NewItem

SONG_TABLE = Path(__file__).parent / "song_table"
"""The lesson's table: four clients, five songs, a row for each 1."""


@dataclass(frozen=True)
class Source:
    """A file with interactions, and the files beside it that describe its items."""

    content: Content
    head: Head
    format: Format
    companions: tuple[Traversable, ...]

    @property
    def shown(self) -> str:
        """What reports call the file with the interactions."""
        return self.content.shown

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """Open the file with the interactions."""
        with self.content.open() as opened:
            yield opened

    def describe(self) -> Iterator[NewItem | BadLine]:
        """What the companions say about items."""
        if self.format.describe is not None and self.companions:
            yield from self.format.describe(self.companions)

    def digest(self, columns: Columns, action: str | None) -> str:
        """sha256 of all of its files and of how they are read."""
        how = {
            "format": self.format.name,
            "columns": asdict(columns),
            "action": action,
            "member": self.content.member,
        }
        digest = hashlib.sha256(json.dumps(how, sort_keys=True).encode())
        for file in (self.content.path, *self.companions):
            with file.open("rb") as stream:
                digest.update(_sha256(stream))
        return digest.hexdigest()


def locate(
    path: Path, *, columns: Columns, member: str | None = None, called: str | None = None
) -> Source:
    """The file that `path` means: itself, or the one with interactions in that folder or zip file.

    member: the one of a zip file to take. Raises NotFound, and InvalidInput when it is empty, not
    recognised or one of several.
    """
    if path.is_dir():
        _check_no_member(path, member)
        return _choose(_contents(path), columns, where=str(path))
    if not path.is_file():
        raise NotFound(f"There is no file or folder {path}.")
    if is_zip(path):
        inside = members(path, called=called)
        if member is None:
            return _choose(inside, columns, where=called or str(path))
        return _single(_named(inside, member), columns)
    _check_no_member(path, member)
    return _single(Content(path, called=called), columns)


def _single(content: Content, columns: Columns) -> Source:
    head = content.head()
    known = _with_columns(head) if columns.any_named() else recognise(head)
    if known is None or not head.data.strip() or (known is CSV and "\0" in head.lines[0]):
        raise InvalidInput(_not_recognised(content, head))
    return _source(content, head, known)


def _contents(folder: Path) -> list[Content]:
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    return [Content(path) for path in paths if not is_zip(path)]


def _choose(contents: Sequence[Content], columns: Columns, *, where: str) -> Source:
    found = list(_recognised(contents, columns))
    usual = [source for source in found if source.head.name in source.format.usual_names]
    chosen = usual or found
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        detail = f"No file in {where} is recognised as interactions. {_known_formats()}"
    else:
        names = ", ".join(
            f"{source.content.member or source.content.path.name} ({source.format.name})"
            for source in chosen
        )
        detail = f"{where} holds several files with interactions: {names}. Name one of them."
    raise InvalidInput(detail)


def _recognised(contents: Sequence[Content], columns: Columns) -> Iterator[Source]:
    for content in contents:
        head = content.head()
        if not head.data.strip():
            continue
        known = _having_columns(head, columns) if columns.any_named() else recognise(head)
        if known is not None:
            yield _source(content, head, known)


def _having_columns(head: Head, columns: Columns) -> Format | None:
    """The format of a file that may be the one with those columns; a Parquet file always may."""
    known = _with_columns(head)
    if known is CSV:
        try:
            find_columns(split_header(head.lines[0])[0], columns, file=head.name)
        except InvalidInput:
            return None
    return known


def _with_columns(head: Head) -> Format:
    return PARQUET if PARQUET.sniff(head) else CSV


def _named(contents: Sequence[Content], member: str) -> Content:
    """The member of that name, with or without its folders."""
    names = [content.member or "" for content in contents]
    whole = [name for name in names if name == member]
    found = whole or [name for name in names if PurePosixPath(name).name == member]
    if len(found) == 1:
        return contents[names.index(found[0])]
    nearest = found or get_close_matches(member, names, n=3, cutoff=0.0) or ["nothing"]
    why = "several members" if found else "no member"
    detail = f"There is {why} {member!r}; in it is, among others, {', '.join(nearest)}."
    raise NotFound(detail, errors=[FieldError("/member", detail)])


def _check_no_member(path: Path, member: str | None) -> None:
    if member is not None:
        detail = f"{path} is no zip file; only those have members."
        raise InvalidInput(detail, errors=[FieldError("/member", detail)])


def _source(content: Content, head: Head, known: Format) -> Source:
    stem = PurePosixPath(content.name).stem
    beside = [content.folder.joinpath(name.format(stem=stem)) for name in known.companions]
    first_is_there = bool(beside) and beside[0].is_file()
    companions = tuple(file for file in beside if file.is_file()) if first_is_there else ()
    return Source(content=content, head=head, format=known, companions=companions)


def _not_recognised(content: Content, head: Head) -> str:
    if not head.data.strip():
        return f"{content.shown} is empty. {_known_formats()}"
    if b"\0" in head.data:
        return f"{content.shown} is not UTF-8 text. {_known_formats()}"
    header, _ = split_header(head.lines[0])
    hint = (
        f" If its first line is a header ({', '.join(header)[:200]}), name its columns with "
        "--user-column and --item-column."
        if len(header) > 1
        else ""
    )
    return f"{content.shown} is not recognised as interactions.{hint} {_known_formats()}"


def _known_formats() -> str:
    return "\n- ".join(["Recognised are:", *(known.summary for known in FORMATS)])


def _sha256(stream: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.digest()
