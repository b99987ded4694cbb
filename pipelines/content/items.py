"""Content of items as it is stored. Not its encoding: `features.py`."""

from collections.abc import Collection, Iterable

from sqlalchemy.orm import Session

from pipelines.content.features import ItemContent
from pipelines.storage import items
from pipelines.storage.items import StoredContent


def read_contents(
    session: Session, *, item_ids: Collection[str] | None = None
) -> tuple[ItemContent, ...]:
    """Of all items that have any, or of those among these, in the order of their ids."""
    return contents_of(items.contents(session, item_ids=item_ids))


def contents_of(stored: Iterable[StoredContent]) -> tuple[ItemContent, ...]:
    """Title and tags as one text, categories as they are; those without any are left out."""
    return tuple(
        ItemContent(item.item_id, tuple(item.categories), "\n".join([item.title or "", *item.tags]))
        for item in stored
        if item.title or item.categories or item.tags
    )
