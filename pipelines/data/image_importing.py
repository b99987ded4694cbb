"""Import of images: from a source into the database, chunk by chunk. Bad ones are left out.

What is imported twice changes nothing, so that an import that was cut off is simply run again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.data.image_source import ImageSource, SourceImage
from pipelines.data.import_counts import ImportCounts, imported_at, transactions
from pipelines.data.importing import ImportProgress
from pipelines.errors import FieldError, HourglassError, InvalidInput
from pipelines.storage.images import NewImage, put_images
from pipelines.storage.items import NewItem, image_digests, put_items

CHUNK_IMAGES = 200
BAD_KEPT = 20
SHOWN = 5


@dataclass(frozen=True)
class BadImage:
    """A file, or an image in one, that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class ImageReport:
    """What an import of images found and did."""

    path: str
    format: str
    new: int
    repeated: int
    replaced: int
    bad: int
    bad_images: tuple[BadImage, ...]
    """The first `BAD_KEPT`."""
    seconds: float
    imported_before_at: datetime | None = None
    """When the same content was imported: then nothing was done now (`once`)."""


@dataclass(frozen=True)
class ImagePreview:
    """How images are read: (item_id, categories) of the first, and the first bad ones."""

    path: str
    format: str
    n_images: int
    first: tuple[tuple[str, tuple[str, ...]], ...]
    bad: int
    bad_images: tuple[BadImage, ...]


def import_images(
    engine: Engine,
    source: ImageSource,
    *,
    strict: bool = False,
    once: bool = False,
    progress: Callable[[ImportProgress], None],
) -> ImageReport:
    """Store every image with its item and categories; those that cannot be read are left out.

    strict: the first bad one ends it, and nothing is stored. once: nothing is done where the same
    was imported completely before. Raises InvalidInput where none can be used.
    """
    digest = source.digest()
    work = _Import(source, strict, progress)
    if once and (earlier := imported_at(engine, digest)):
        return work.report(imported_before_at=earlier)
    with transactions(engine, strict=strict) as transaction:
        for chunk in work.chunks():
            with transaction() as session:
                work.store(session, chunk)
        work.check_any()
        with transaction() as session:
            work.counts.record(session, source=source.shown, digest=digest)
    return work.report()


def preview_images(source: ImageSource) -> ImagePreview:
    """What an import would do. Reads every image, stores none."""
    work = _Import(source, strict=False, progress=lambda _: None)
    n_images = 0
    first: list[tuple[str, tuple[str, ...]]] = []
    for chunk in work.chunks():
        n_images += len(chunk)
        first += [(image.item_id, image.categories) for image, _ in chunk][: SHOWN - len(first)]
    return ImagePreview(
        source.shown, source.format, n_images, tuple(first), work.counts.bad, tuple(work.bad_images)
    )


_Chunk = list[tuple[SourceImage, NewImage]]


@dataclass
class _Import:
    """One import under way."""

    source: ImageSource
    strict: bool
    progress: Callable[[ImportProgress], None]
    counts: ImportCounts = field(default_factory=ImportCounts)
    bad_images: list[BadImage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.size = self.source.size()

    def chunks(self) -> Iterator[_Chunk]:
        """The good images, some at a time."""
        chunk: _Chunk = []
        for image in self._images():
            try:
                chunk.append((image, image.read()))
            except (HourglassError, OSError) as error:
                self._note(image.name, error)
            if len(chunk) == CHUNK_IMAGES:
                yield chunk
                self._tell(image.position)
                chunk = []
        if chunk:
            yield chunk
        self._tell(self.size)

    def _images(self) -> Iterator[SourceImage]:
        """All there are, and the bad news where the source breaks off."""
        try:
            yield from self.source.images()
        except InvalidInput as error:
            self._note(self.source.shown, error)

    def store(self, session: Session, chunk: _Chunk) -> None:
        """Store a chunk; the categories of an item that has the very image stay as they are."""
        images = {image.item_id: content for image, content in chunk}
        before = image_digests(session, item_ids=images)
        now = datetime.now(UTC)  # not that of the import: when an image was stored tells it apart
        self.counts.add(put_images(session, images=images, now=now))
        told = [
            NewItem(image.item_id, categories=image.categories)
            for image, content in chunk
            if image.categories and before.get(image.item_id) != content.digest
        ]
        if told:
            put_items(session, items=told, now=now)

    def check_any(self) -> None:
        """Raise InvalidInput where nothing was usable."""
        if self.counts.rows:
            return
        reasons = "; ".join(f"{each.name}: {each.reason}" for each in self.bad_images[:3])
        raise InvalidInput(
            f"{self.source.shown} holds no image that can be used. {reasons}",
            errors=[FieldError(f"/{each.name}", each.reason) for each in self.bad_images],
        )

    def report(self, *, imported_before_at: datetime | None = None) -> ImageReport:
        return ImageReport(
            path=self.source.shown,
            format=self.source.format,
            new=self.counts.new,
            repeated=self.counts.repeated,
            replaced=self.counts.replaced,
            bad=self.counts.bad,
            bad_images=tuple(self.bad_images),
            seconds=self.counts.seconds,
            imported_before_at=imported_before_at,
        )

    def _note(self, name: str, error: HourglassError | OSError) -> None:
        reason = error.detail if isinstance(error, HourglassError) else error.strerror or "?"
        if self.strict:
            detail = f"{name}: {reason} Nothing was stored (strict)."
            raise InvalidInput(detail, errors=[FieldError(f"/{name}", reason)])
        self.counts.bad += 1
        if len(self.bad_images) < BAD_KEPT:
            self.bad_images.append(BadImage(name, reason))

    def _tell(self, position: int) -> None:
        rows, bad = self.counts.rows, self.counts.bad
        self.progress(ImportProgress(position, self.size, position, rows=rows, bad=bad))
