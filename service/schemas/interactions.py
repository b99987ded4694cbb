"""Interactions as they are sent and answered."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, field_validator

from pipelines.storage.interactions import NewInteraction
from pipelines.storage.tables import UNTIMED
from service.schemas.fields import (
    Action,
    Answer,
    Body,
    ExternalId,
    NextCursor,
    OccurredAt,
    Weight,
)
from service.schemas.pages import PageQuery


class InteractionBody(Body):
    """What one user did with one item. The same key with another weight replaces it."""

    user_id: ExternalId
    item_id: ExternalId
    action: Action = "like"
    weight: Weight = 1.0
    occurred_at: Annotated[
        OccurredAt | None, Field(description="RFC 3339 with an offset; left out: untimed.")
    ] = None

    def row(self) -> NewInteraction:
        """The same for storage, where the untimed share one time."""
        when = UNTIMED if self.occurred_at is None else self.occurred_at
        return NewInteraction(self.user_id, self.item_id, self.action, self.weight, when)


class InteractionsBody(Body):
    """1 to 1,000 interactions; all are stored or none."""

    interactions: Annotated[list[InteractionBody], Field(min_length=1, max_length=1000)]

    def rows(self) -> list[NewInteraction]:
        """All of them for storage."""
        return [interaction.row() for interaction in self.interactions]


class StoredAnswer(Answer):
    """How many were new, there already, and there with another weight."""

    new: int
    repeated: int
    replaced: int


class InteractionsQuery(PageQuery):
    """Whose interactions."""

    user_id: ExternalId


class InteractionAnswer(Answer):
    """An interaction."""

    user_id: str
    item_id: str
    action: str
    weight: float
    occurred_at: Annotated[datetime | None, Field(description="null: untimed.")]

    @field_validator("occurred_at")
    @classmethod
    def _untimed_is_null(cls, when: datetime | None) -> datetime | None:
        return None if when == UNTIMED else when


class InteractionsAnswer(Answer):
    """A page of interactions, newest first."""

    interactions: list[InteractionAnswer]
    next_cursor: NextCursor
