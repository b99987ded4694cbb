"""The bytes of one file, however it is packed: as it lies there, in gzip, or as a zip's member.

Unpacked as they are read, never ahead and never to the disk: what a small file grows into is
bounded by what its reader keeps. What the bytes mean is not here: `formats`.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import IO, cast

from pipelines.data.formats.base import Head, head_of
from pipelines.errors import InvalidInput

GZIP_MAGIC, ZIP_MAGIC = b"\x1f\x8b", b"PK\x03\x04"
ENCRYPTED = 0x1
STREAMED_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How a member may be packed: the library unpacks the other methods without a bound."""


@dataclass(frozen=True)
class Opened:
    """A content being read."""

    stream: IO[bytes]
    """Its bytes, unpacked."""
    position: IO[bytes]
    """Whose position, against `total`, tells how far the reading is."""
    total: int


@dataclass(frozen=True)
class Content:
    """A file, or with `member` one of those in a zip file."""

    path: Path
    member: str | None = None
    called: str | None = None
    """What people know it by, where that is not its path."""

    @property
    def name(self) -> str:
        """The name of what is in it: without folders, and without `.gz`."""
        return PurePosixPath(self.member or self.path.name).name.removesuffix(".gz")

    @property
    def shown(self) -> str:
        """What reports and reasons call it."""
        shown = self.called or str(self.path)
        return shown if self.member is None else f"{shown}:{self.member}"

    @property
    def folder(self) -> Traversable:
        """Where the files beside it are."""
        if self.member is None:
            return self.path.parent
        parent = PurePosixPath(self.member).parent
        at = "" if parent == PurePosixPath() else f"{parent}/"
        return cast(Traversable, zipfile.Path(self.path, at=at))

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """Open it for reading. Damage, found here or while reading on, raises InvalidInput."""
        with _damage_named(self.shown), self.path.open("rb") as raw:
            if self.member is not None:
                with zipfile.ZipFile(raw) as archive, archive.open(self._entry(archive)) as member:
                    yield Opened(member, member, archive.getinfo(self.member).file_size)
                return
            size = self.path.stat().st_size
            if raw.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC):
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield Opened(cast(IO[bytes], unpacked), raw, size)
                return
            yield Opened(raw, raw, size)

    def head(self) -> Head:
        """Its beginning."""
        with self.open() as opened:
            return head_of(opened.stream, self.name)

    def _entry(self, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
        entry = archive.getinfo(self.member or "")
        if entry.flag_bits & ENCRYPTED:
            raise InvalidInput(f"{self.shown} is encrypted. Unpack it first.")
        if entry.compress_type not in STREAMED_METHODS:
            raise InvalidInput(f"{self.shown} is packed in a rare way. Unpack it first.")
        return entry


def is_zip(path: Path) -> bool:
    """Whether a file begins as a zip file does."""
    with path.open("rb") as stream:
        return stream.read(len(ZIP_MAGIC)) == ZIP_MAGIC


def members(path: Path, *, called: str | None = None) -> list[Content]:
    """The files in a zip file, in the order of their names; hidden ones are left out."""
    with _damage_named(called or str(path)), zipfile.ZipFile(path) as archive:
        names = sorted(entry.filename for entry in archive.infolist() if not entry.is_dir())
    visible = (name for name in names if not name.startswith((".", "__")) and "/." not in name)
    return [Content(path, name, called) for name in visible]


@contextmanager
def _damage_named(shown: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise InvalidInput(
            f"{shown} is damaged: {error}. Rows that were stored before this point stay."
        ) from error
