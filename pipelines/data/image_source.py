"""What a source of many images offers. The sources are in `image_sources.py` and `idx.py`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pipelines.storage.images import NewImage


@dataclass(frozen=True)
class SourceImage:
    """One image of a source, not read yet."""

    name: str
    """What reports call it."""
    item_id: str
    categories: tuple[str, ...]
    read: Callable[[], NewImage]
    """Raises what `check_image` raises, or InvalidInput for an item that cannot be."""
    position: int
    """How many of the source's bytes are done once it is read."""


class ImageSource(Protocol):
    """Some images, read one at a time."""

    shown: str
    format: str

    def size(self) -> int:
        """In bytes, as `position` counts them."""

    def digest(self) -> str:
        """sha256 of all that the images and their items are made of."""

    def images(self) -> Iterator[SourceImage]:
        """All of them, in a fixed order. Raises InvalidInput where the rest cannot be read."""
