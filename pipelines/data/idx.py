"""IDX files, in which MNIST and its likes come: images of bytes, and their labels beside them."""

import gzip
import hashlib
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from PIL import Image

from pipelines.data.content import GZIP_MAGIC
from pipelines.data.image_source import SourceImage
from pipelines.data.images import MAX_PIXELS, kept
from pipelines.errors import InvalidInput, NotFound

IDX_MAGIC: Final = b"\0\0\x08"
"""Of unsigned bytes; the number of dimensions follows."""
IMAGE_DIMENSIONS, LABEL_DIMENSIONS = 3, 1


def is_idx(path: Path) -> bool:
    """Whether a file, packed by gzip or not, begins as one of images does."""
    try:
        with _opened(path) as stream:
            return stream.read(4) == IDX_MAGIC + bytes([IMAGE_DIMENSIONS])
    except InvalidInput:
        return False


class Idx:
    """The images of an IDX file, as MNIST and its likes come; labels are categories."""

    format = "idx"

    def __init__(self, path: Path, labels: Path | None, category: str | None) -> None:
        self.shown = str(path)
        self._path = path
        self._labels = labels or _labels_beside(path)
        self._category = category

    def size(self) -> int:
        return self._path.stat().st_size

    def digest(self) -> str:
        digest = hashlib.sha256(f"{self._category!r} {self._prefix()}".encode())
        for file in (self._path, self._labels):
            if file is not None:
                with file.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    def images(self) -> Iterator[SourceImage]:
        labels = None if self._labels is None else _read_labels(self._labels)
        with self._path.open("rb") as raw, _unpacked(raw, str(self._path)) as stream:
            n, height, width = _dimensions(stream, self.shown, IMAGE_DIMENSIONS)
            if labels is not None and len(labels) != n:
                detail = f"{self._labels} has {len(labels):,} labels, {self.shown} {n:,} images."
                raise InvalidInput(f"{detail} Name the labels that belong to it: --labels FILE.")
            if not 0 < width * height <= MAX_PIXELS:
                raise InvalidInput(f"{self.shown} holds images of {width} by {height} pixels.")
            for num in range(n):
                pixels = stream.read(width * height)
                if len(pixels) < width * height:
                    raise InvalidInput(f"{self.shown} is cut off after {num:,} of {n:,} images.")
                categories = () if labels is None else (str(labels[num]),)
                yield self._image(num, n, (width, height), pixels, categories, raw.tell())

    def _image(
        self,
        num: int,
        n: int,
        size: tuple[int, int],
        pixels: bytes,
        categories: tuple[str, ...],
        position: int,
    ) -> SourceImage:
        item_id = f"{self._prefix()}-{num:0{len(str(max(n - 1, 1)))}}"
        ours = (self._category,) if self._category else ()
        picture = Image.frombytes("L", size, pixels)
        return SourceImage(
            f"{self._path.name}, image {num}",
            item_id,
            (*ours, *categories),
            lambda: kept(picture),
            position,
        )

    def _prefix(self) -> str:
        """`train` of train-images-idx3-ubyte.gz, with the category before it."""
        stem = self._path.name.removesuffix(".gz").partition("-images")[0].partition(".")[0]
        return f"{self._category}-{stem}" if self._category else stem


def _labels_beside(path: Path) -> Path | None:
    name = path.name.replace("-images", "-labels").replace("idx3", "idx1")
    beside = path.with_name(name)
    return beside if name != path.name and beside.is_file() else None


def _read_labels(path: Path) -> bytes:
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    with _opened(path) as stream:
        (n,) = _dimensions(stream, str(path), LABEL_DIMENSIONS)
        return stream.read(n)


def _dimensions(stream: IO[bytes], shown: str, wanted: int) -> tuple[int, ...]:
    head = stream.read(4 + 4 * wanted)
    if len(head) < 4 + 4 * wanted or head[:4] != IDX_MAGIC + bytes([wanted]):
        raise InvalidInput(f"{shown} is no IDX file of bytes with {wanted} dimensions.")
    return struct.unpack(f">{wanted}I", head[4:])


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw, _unpacked(raw, str(path)) as stream:
        yield stream


@contextmanager
def _unpacked(raw: IO[bytes], shown: str) -> Iterator[IO[bytes]]:
    """Through gzip where the file begins like one. Raises InvalidInput for damage."""
    packed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    raw.seek(0)
    if not packed:
        yield raw
        return
    try:
        with gzip.GzipFile(fileobj=raw) as stream:
            yield cast(IO[bytes], stream)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(f"{shown} is damaged: {error}.") from error
