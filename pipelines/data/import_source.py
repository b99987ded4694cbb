"""Which file is meant by a path, of which format it is, and what describes its items.

Looks at beginnings and digests only; the rows are read in `importing.py`.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.data.formats import CSV, FORMATS, recognise
from pipelines.data.formats.base import Columns, Format, Head, read_head
from pipelines.data.formats.csv_columns import find_columns
from pipelines.data.formats.csv_records import split_header
from pipelines.errors import InvalidInput, NotFound

SONG_TABLE = Path(__file__).parent / "song_table"
"""The lesson's table: four clients, five songs, a row for each 1."""


@dataclass(frozen=True)
class Source:
    """A file with interactions, and the files beside it that describe its items."""

    head: Head
    format: Format
    companions: tuple[Path, ...]

    @property
    def path(self) -> Path:
        """The file with the interactions."""
        return self.head.path

    def digest(self, columns: Columns, action: str | None) -> str:
        """sha256 of all of its files and of how they are read."""
        how = {"format": self.format.name, "columns": asdict(columns), "action": action}
        digest = hashlib.sha256(json.dumps(how, sort_keys=True).encode())
        for path in (self.path, *self.companions):
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()


def locate(path: Path, *, columns: Columns) -> Source:
    """The file that `path` means: itself, or the one with interactions in that folder.

    Raises NotFound, and InvalidInput when it is empty, not recognised or one of several.
    """
    if path.is_dir():
        return _locate_in_folder(path, columns)
    if not path.is_file():
        raise NotFound(f"There is no file or folder {path}.")
    head = read_head(path)
    known = CSV if columns.any_named() else recognise(head)
    if known is None or not head.data.strip() or "\0" in head.lines[0]:
        raise InvalidInput(_not_recognised(head))
    return _source(head, known)


def _locate_in_folder(folder: Path, columns: Columns) -> Source:
    found = _recognised_files(folder, columns)
    usual = [source for source in found if source.path.name in source.format.usual_names]
    chosen = usual or found
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        detail = f"No file in {folder} is recognised as interactions. {_known_formats()}"
    else:
        names = ", ".join(f"{source.path.name} ({source.format.name})" for source in chosen)
        detail = f"{folder} holds several files with interactions: {names}. Name one of them."
    raise InvalidInput(detail)


def _recognised_files(folder: Path, columns: Columns) -> list[Source]:
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    recognised = _has_columns if columns.any_named() else _recognise
    heads = [head for head in map(read_head, paths) if head.data.strip()]
    pairs = [(head, recognised(head, columns)) for head in heads]
    return [_source(head, known) for head, known in pairs if known is not None]


def _recognise(head: Head, _columns: Columns) -> Format | None:
    return recognise(head)


def _has_columns(head: Head, columns: Columns) -> Format | None:
    try:
        find_columns(split_header(head.lines[0])[0], columns, file=head.path.name)
    except InvalidInput:
        return None
    return CSV


def _source(head: Head, known: Format) -> Source:
    beside = tuple(head.path.parent / name for name in known.companions)
    first_is_there = bool(beside) and beside[0].is_file()
    companions = tuple(path for path in beside if path.is_file()) if first_is_there else ()
    return Source(head=head, format=known, companions=companions)


def _not_recognised(head: Head) -> str:
    if not head.data.strip():
        return f"{head.path} is empty. {_known_formats()}"
    if b"\0" in head.data:
        return f"{head.path} is not UTF-8 text. {_known_formats()}"
    header, _ = split_header(head.lines[0])
    hint = (
        f" If its first line is a header ({', '.join(header)[:200]}), name its columns with "
        "--user-column and --item-column."
        if len(header) > 1
        else ""
    )
    return f"{head.path} is not recognised as interactions.{hint} {_known_formats()}"


def _known_formats() -> str:
    return "\n- ".join(["Recognised are:", *(known.summary for known in FORMATS)])
