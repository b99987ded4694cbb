"""Content of items as it is stored. Not its encoding: `features.py`."""

from collections.abc import Collection, Iterable

import numpy as np
from sqlalchemy.orm import Session

from pipelines.content.features import ItemContent
from pipelines.storage import items
from pipelines.storage.items import StoredContent


def read_contents(
    session: Session,
    *,
    image_artifact_id: str | None,
    item_ids: Collection[str] | None = None,
) -> tuple[ItemContent, ...]:
    """Of all items that have any, or of those among these, in the order of their ids.

    image_artifact_id: by whose embeddings images are known; None: they are not.
    """
    return contents_of(
        items.contents(session, item_ids=item_ids, image_artifact_id=image_artifact_id)
    )


def contents_of(stored: Iterable[StoredContent]) -> tuple[ItemContent, ...]:
    """Title and tags as one text, the rest as it is; items without any are left out."""
    return tuple(
        ItemContent(
            item.item_id,
            tuple(item.categories),
            "\n".join([item.title or "", *item.tags]),
            None if item.vector is None else np.frombuffer(item.vector, dtype="<f4"),
        )
        for item in stored
        if item.title or item.categories or item.tags or item.vector
    )
