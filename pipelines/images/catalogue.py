"""The catalogue's images as a run sees them: rows of pixels at one size. Not their storage."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from pipelines.data.images import pixels_of
from pipelines.errors import NotReady
from pipelines.images.config import SIDES
from pipelines.storage.images import Described, describe_images, read_contents
from pipelines.training.run_config import RunConfig

Shape = tuple[int, int, int]
"""(channels, height, width)"""


@dataclass(frozen=True)
class ImageRows:
    """Images of one shape, by item id: pixels (n, channels * height * width) uint8."""

    item_ids: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    pixels: np.ndarray[Any, Any]
    digest: str
    """Of what the images are of, and of their contents; known before any is read."""


def resolved(session: Session, config: RunConfig) -> tuple[RunConfig, list[Described]]:
    """The run with the shape that its images have to it, and those images. Raises NotReady."""
    wanted = config.images.category
    described = [image for image in describe_images(session) if wanted in (None, *image.categories)]
    if not described:
        of_category = f" of the category {wanted!r}" if wanted else ""
        raise NotReady(
            f"No item{of_category} has an image. PUT /v1/items/ITEM_ID/image, or "
            "`hourglass import FOLDER`, first."
        )
    network = {**config.network, "shape": list(_shape(config, described))}
    return replace(config, network=network), described


def _shape(config: RunConfig, described: Sequence[Described]) -> Shape:
    """As the run says; else colour if any image has it, and as large as half of them are."""
    channels = config.images.channels or max(image.channels for image in described)
    usual = median(max(image.width, image.height) for image in described)
    side = config.images.side or next((s for s in SIDES if s >= usual), SIDES[-1])
    return channels, side, side


def digest_of(described: Sequence[Described]) -> str:
    """Equal where the same items have the same images and categories."""
    digest = hashlib.sha256()
    for image in described:
        line = json.dumps([image.item_id, image.digest, image.categories])
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def read_rows(session: Session, described: Sequence[Described], shape: Shape) -> ImageRows:
    """The images, decoded and at that shape. Memory: their pixels."""
    item_ids = tuple(image.item_id for image in described)
    pixels = np.empty((len(item_ids), int(np.prod(shape))), dtype=np.uint8)
    for num, (_, content) in enumerate(read_contents(session, item_ids=item_ids)):
        pixels[num] = pixels_of(content, shape)
    categories = tuple(tuple(image.categories) for image in described)
    return ImageRows(item_ids, categories, pixels, digest_of(described))
