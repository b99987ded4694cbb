"""Who is asked about: a known user, or a history posted with the request."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from service.schemas.fields import MAX_LIST, Body, ExternalId

History = Annotated[list[ExternalId], Field(max_length=MAX_LIST)]


class HistoryBody(Body):
    """Exactly one of `user_id` and `history`."""

    user_id: Annotated[ExternalId | None, Field(description="A stored user.")] = None
    history: Annotated[
        History | None,
        Field(description="Or these items, at most 10,000; unknown ones are named in `ignored`."),
    ] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.user_id is None) == (self.history is None):
            raise ValueError("Send exactly one of user_id and history.")
        return self
