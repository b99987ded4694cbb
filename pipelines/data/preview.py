"""What an import would do with a file: how it is read, and its first rows. Stores nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.data.formats.base import BadLine, Chunk, ReadOptions
from pipelines.data.import_source import locate
from pipelines.data.importing import ImportOptions, check_action
from pipelines.storage.interactions import NewInteraction

FIRST_ROWS = 5


@dataclass(frozen=True)
class Preview:
    """How a file is read. `fields` says which column each field comes from."""

    path: str
    format: str
    summary: str
    fields: dict[str, str]
    companions: tuple[str, ...]
    rows: tuple[NewInteraction, ...]
    bad_lines: tuple[BadLine, ...]
    """The first of the bad lines among the first 50,000 rows."""


def preview(path: Path, *, options: ImportOptions) -> Preview:
    """What is recognised in a file, folder or zip file. Raises what an import of it would."""
    check_action(options.action)
    source = locate(path, columns=options.columns, member=options.member, called=options.called)
    how = ReadOptions(
        head=source.head, now=datetime.now(UTC), columns=options.columns, action=options.action
    )
    with source.open() as opened:
        reading = source.format.read(opened.stream, how)
        first = next(reading.chunks, Chunk([], [], [], 0))
    return Preview(
        path=source.shown,
        format=source.format.name,
        summary=source.format.summary,
        fields=dict(reading.fields),
        companions=tuple(file.name for file in source.companions),
        rows=tuple(first.rows[:FIRST_ROWS]),
        bad_lines=tuple(first.bad[:FIRST_ROWS]),
    )
