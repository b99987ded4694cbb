"""Whether content changed since a run: a digest of all that its tower could learn from."""

import hashlib
import json
from collections.abc import Iterable

import numpy as np

from pipelines.content.features import ItemContent
from pipelines.content.tower import MIN_ITEMS, known_items
from pipelines.data.interactions import InteractionMatrix


def content_digest(matrix: InteractionMatrix, contents: Iterable[ItemContent]) -> str | None:
    """sha256 over the content of the items that somebody has; None where it is of too few for a
    tower. Content of others changes no training.
    """
    counts = np.bincount(matrix.x.indices, minlength=len(matrix.vocabulary))
    known = known_items(matrix.vocabulary, counts, contents).values()
    if len(known) < MIN_ITEMS:
        return None
    sha = hashlib.sha256()
    for content in known:
        line = json.dumps([content.item_id, content.categories, content.text])
        image = b"" if content.image is None else content.image.tobytes()
        sha.update(f"{line} {len(image)}\n".encode())
        sha.update(image)
    return sha.hexdigest()
