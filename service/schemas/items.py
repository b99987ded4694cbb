"""Items as they are sent and answered."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from service.schemas.fields import Answer, Attributes, Body, Category, NextCursor, Text

Categories = Annotated[list[Category], Field(max_length=100)]
Tags = Annotated[
    list[Category], Field(max_length=100, description="Words or phrases that people use for it.")
]
Hidden = Annotated[bool, Field(description="Hidden items are kept but never recommended.")]


class ItemBody(Body):
    """A whole item: what is left out becomes empty."""

    title: Text | None = None
    categories: Categories = Field(default_factory=list)
    tags: Tags = Field(default_factory=list)
    attributes: Attributes = Field(default_factory=dict)
    hidden: Hidden = False


class ItemChanges(ItemBody):
    """Some fields of an item; what is left out stays."""


class ItemAnswer(Answer):
    """An item."""

    item_id: str
    title: str | None
    categories: list[str]
    tags: list[str]
    attributes: dict[str, Any]
    image_digest: Annotated[str | None, Field(description="Of its image; null: it has none.")]
    hidden: bool
    created_at: datetime
    updated_at: datetime


class ItemsAnswer(Answer):
    """A page of items, by id."""

    items: list[ItemAnswer]
    next_cursor: NextCursor
