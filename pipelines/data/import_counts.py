"""What every import counts, remembers and does in transactions, whatever it stores."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.storage.bulk import Stored
from pipelines.storage.engine import reading, writing
from pipelines.storage.imports import add_import, find_import

Transaction = Callable[[], AbstractContextManager[Session]]


@dataclass
class ImportCounts:
    """An import under way: what it has stored and left out so far, and since when it runs."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.monotonic)
    new: int = 0
    repeated: int = 0
    replaced: int = 0
    bad: int = 0

    @property
    def rows(self) -> int:
        """How many were usable."""
        return self.new + self.repeated + self.replaced

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self.started, 3)

    def add(self, stored: Stored) -> None:
        """Count what was stored just now."""
        self.new += stored.new
        self.repeated += stored.repeated
        self.replaced += stored.replaced

    def record(self, session: Session, *, source: str, digest: str) -> None:
        """Remember that all of this content is stored."""
        add_import(
            session,
            source=source,
            digest=digest,
            new=self.new,
            repeated=self.repeated,
            replaced=self.replaced,
            bad=self.bad,
            now=self.now,
        )


def imported_at(engine: Engine, digest: str) -> datetime | None:
    """When the same content was imported completely; None: never."""
    with reading(engine) as session:
        earlier = find_import(session, digest=digest)
        return None if earlier is None else earlier.imported_at


@contextmanager
def transactions(engine: Engine, *, strict: bool) -> Iterator[Transaction]:
    """A transaction for each chunk, or with `strict` one around them all."""
    if not strict:
        yield lambda: writing(engine)
        return
    with writing(engine) as session:
        yield lambda: nullcontext(session)
