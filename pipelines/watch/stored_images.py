"""What images are stored as a table for detectors: a row is a picture of one size, in colour.

Not which of them are strange.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from models.detectors.regions import IMAGE
from pipelines.data.images import pixels_of
from pipelines.storage.images import describe_images, read_contents
from pipelines.watch.row_table import Array

SHAPE: Final = (3, 32, 32)
"""Channels, height and width of what a detector sees of an image."""
MAX_FITTED_IMAGES: Final = 6_000
"""Images that a detector is fitted to; of more, so many are drawn."""


def stored_images(
    session: Session, ids: Sequence[str] | None
) -> tuple[list[str], dict[str, Array]]:
    """The items with an image, and these in the column `image`, (n, channels, height, width)."""
    wanted = sorted(set(ids)) if ids is not None else [e.item_id for e in describe_images(session)]
    item_ids, pictures = [], []
    for item_id, content in read_contents(session, item_ids=wanted):
        item_ids.append(item_id)
        pictures.append(pixels_of(content, SHAPE))
    pixels = np.array(pictures, dtype=np.uint8).reshape(len(pictures), *SHAPE)
    return item_ids, {IMAGE: pixels}
