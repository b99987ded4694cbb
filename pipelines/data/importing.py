"""Import: a file of interactions into the database, chunk by chunk.

Memory is bounded by a chunk, and what is imported twice changes nothing, so that an import that
was cut off is simply run again. What files look like is not here: `formats`.
"""

import gc
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.data.ahead import ahead
from pipelines.data.checks import action_problem
from pipelines.data.content import Opened
from pipelines.data.formats.base import BadLine, Chunk, Columns, ReadOptions
from pipelines.data.import_counts import ImportCounts, Transaction, imported_at, transactions
from pipelines.data.import_source import Source, locate
from pipelines.errors import FieldError, InvalidInput
from pipelines.storage.interactions import store_interactions
from pipelines.storage.items import NewItem, put_items

BAD_LINES_KEPT = 20
ITEMS_AT_A_TIME = 10_000


@dataclass(frozen=True)
class ImportOptions:
    """How to import; the defaults recognise everything and leave bad lines out."""

    columns: Columns = Columns()
    """Columns of a CSV or Parquet file; naming any makes every other file be read as CSV."""
    action: str | None = None
    """Replaces the format's own action, in files without a column for it."""
    strict: bool = False
    """Stop at the first bad line and store nothing, instead of leaving bad lines out."""
    once: bool = False
    """Skip what was imported completely before, in the same way."""
    member: str | None = None
    """The one of a zip file's members to take, where several could be meant."""
    called: str | None = None
    """What reports call the file, where nobody knows it by its path."""


@dataclass(frozen=True)
class ImportProgress:
    """What is stored so far, except under `strict`, where nothing is before the end."""

    bytes_done: int
    bytes_total: int
    bytes_unpacked: int
    """How many bytes came out of gzip or zip so far; of a plain file the same as `bytes_done`."""
    rows: int
    bad: int


@dataclass(frozen=True)
class ImportReport:
    """What an import found and did; `new + repeated + replaced` is the number of rows."""

    path: str
    format: str
    lines: int
    """Lines with data on them, bad ones too; in the file with the interactions."""
    new: int
    repeated: int
    replaced: int
    bad: int
    """Bad lines, also in the files that describe items."""
    bad_lines: tuple[BadLine, ...]
    """The first `BAD_LINES_KEPT`."""
    items_described: int
    seconds: float
    imported_before_at: datetime | None = None
    """When the same content was imported: then nothing was done now (`once`)."""


def import_path(
    engine: Engine,
    path: Path,
    *,
    options: ImportOptions,
    progress: Callable[[ImportProgress], None],
) -> ImportReport:
    """Import the interactions in a file, folder or zip file, and the items described beside them.

    Raises NotFound, and InvalidInput for a file that is empty or not recognised, a column that is
    not there, a file without one good line, and with `strict` at the first bad line. A cut-off
    import (also by KeyboardInterrupt) leaves whole chunks stored, and nothing with `strict`.
    """
    check_action(options.action)
    source = locate(path, columns=options.columns, member=options.member, called=options.called)
    digest = source.digest(options.columns, options.action)
    work = _Import(engine, source, options, progress)
    if options.once and (earlier := imported_at(engine, digest)):
        return work.report(imported_before_at=earlier)
    with _uncollected(), transactions(engine, strict=options.strict) as transaction:
        work.store_interactions(transaction)
        work.describe_items(transaction)
        with transaction() as session:
            work.counts.record(session, source=source.shown, digest=digest)
    return work.report()


@dataclass
class _Import:
    """One import under way."""

    engine: Engine
    source: Source
    options: ImportOptions
    progress: Callable[[ImportProgress], None]
    counts: ImportCounts = field(default_factory=ImportCounts)
    lines: int = 0
    items_described: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)

    def store_interactions(self, transaction: Transaction) -> None:
        options = ReadOptions(
            head=self.source.head,
            now=self.counts.now,
            columns=self.options.columns,
            action=self.options.action,
        )
        with self.source.open() as opened:
            chunks = _placed(self.source.format.read(opened.stream, options).chunks, opened)
            # A server stores while the next chunk is read here. SQLite stores in this process, and
            # its driver lets another thread in at each row: two threads would be far slower.
            reading_on = chunks if self.engine.dialect.name == "sqlite" else ahead(chunks)
            self._tell(_place(opened))
            with closing(reading_on):
                for chunk, place in reading_on:
                    self._store_chunk(chunk, transaction)
                    self._tell(place)
        if not self.counts.rows:
            raise self._nothing_usable()

    def describe_items(self, transaction: Transaction) -> None:
        described = self.source.describe()
        while some := list(islice(described, ITEMS_AT_A_TIME)):
            self._note_bad([line for line in some if isinstance(line, BadLine)])
            with transaction() as session:
                self._put_items(session, [item for item in some if isinstance(item, NewItem)])

    def report(self, *, imported_before_at: datetime | None = None) -> ImportReport:
        return ImportReport(
            path=self.source.shown,
            format=self.source.format.name,
            lines=self.lines,
            new=self.counts.new,
            repeated=self.counts.repeated,
            replaced=self.counts.replaced,
            bad=self.counts.bad,
            bad_lines=tuple(self.bad_lines),
            items_described=self.items_described,
            seconds=self.counts.seconds,
            imported_before_at=imported_before_at,
        )

    def _store_chunk(self, chunk: Chunk, transaction: Transaction) -> None:
        self._note_bad(chunk.bad)
        self.lines += chunk.lines
        if not chunk.rows:
            return
        with transaction() as session:
            stored = store_interactions(session, rows=chunk.rows, now=self.counts.now)
            self._put_items(session, chunk.items)
        self.counts.add(stored)

    def _put_items(self, session: Session, items: Iterable[NewItem]) -> None:
        items = list(items)
        if items:
            put_items(session, items=items, now=self.counts.now)
            self.items_described += len(items)

    def _note_bad(self, bad: list[BadLine]) -> None:
        if bad and self.options.strict:
            raise _strict_error(bad[0])
        self.counts.bad += len(bad)
        self.bad_lines.extend(bad[: BAD_LINES_KEPT - len(self.bad_lines)])

    def _tell(self, place: "_Place") -> None:
        self.progress(ImportProgress(*place, rows=self.counts.rows, bad=self.counts.bad))

    def _nothing_usable(self) -> InvalidInput:
        path, format_name = self.source.shown, self.source.format.name
        if not self.counts.bad:
            return InvalidInput(f"{path} ({format_name}) holds no interactions: it has no rows.")
        first = self.bad_lines[0]
        detail = (
            f"{path} was read as {format_name}, and none of its {self.lines} lines is usable. "
            f"Line {first.line}: {first.reason}."
        )
        return InvalidInput(detail, errors=[_field_error(line) for line in self.bad_lines])


_Place = tuple[int, int, int]
"""The bytes done, total and unpacked of `ImportProgress`."""


def _place(opened: Opened) -> _Place:
    return opened.position.tell(), opened.total, opened.stream.tell()


def _placed(chunks: Iterator[Chunk], opened: Opened) -> Generator[tuple[Chunk, _Place]]:
    """Each chunk with how far the reading was when it was made."""
    return ((chunk, _place(opened)) for chunk in chunks)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Python's collector of cycles looks at every new row again and again, a fifth of the time of
    an import; rows make no cycles.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def check_action(action: str | None) -> None:
    """Raise InvalidInput unless it can be the action of interactions."""
    if action is not None and (problem := action_problem(action)) is not None:
        detail = f"The action {problem}."
        raise InvalidInput(detail, errors=[FieldError("/action", detail)])


def _strict_error(bad: BadLine) -> InvalidInput:
    detail = f"{bad.file}, line {bad.line}: {bad.reason}. Nothing was stored (strict)."
    return InvalidInput(detail, errors=[_field_error(bad)])


def _field_error(bad: BadLine) -> FieldError:
    return FieldError(f"/{bad.file}/{bad.line}", bad.reason)
