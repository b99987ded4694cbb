"""Reading a text as a file of interactions, without a database."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.data.formats import recognise
from pipelines.data.formats.base import Chunk, Columns, Format, ReadOptions, read_head

ReadFile = Callable[..., list[Chunk]]


@pytest.fixture
def read_file(tmp_path: Path) -> ReadFile:
    """The chunks of a content, read as a format, or as the one that recognises it."""

    def read(
        content: str | bytes,
        known: Format | None = None,
        *,
        columns: Columns = Columns(),  # noqa: B008
        action: str | None = None,
        now: datetime | None = None,
        name: str = "data",
    ) -> list[Chunk]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        head = read_head(path)
        chosen = known or recognise(head)
        assert chosen is not None
        options = ReadOptions(
            head=head, now=now or datetime.now(UTC), columns=columns, action=action
        )
        with path.open("rb") as stream:
            return list(chosen.read(stream, options).chunks)

    return read


@pytest.fixture
def read_rows(read_file: ReadFile) -> Callable[..., list[tuple[object, ...]]]:
    """The rows of a content."""

    def read(*args: object, **options: object) -> list[tuple[object, ...]]:
        return [tuple(row) for chunk in read_file(*args, **options) for row in chunk.rows]

    return read


@pytest.fixture
def read_bad(read_file: ReadFile) -> Callable[..., list[tuple[int, str]]]:
    """Number and reason of each bad line of a content."""

    def read(*args: object, **options: object) -> list[tuple[int, str]]:
        return [
            (bad.line, bad.reason) for chunk in read_file(*args, **options) for bad in chunk.bad
        ]

    return read
