"""Users as they are sent and answered."""

from datetime import datetime
from typing import Any

from pydantic import Field

from service.schemas.fields import Answer, Attributes, Body, NextCursor


class UserBody(Body):
    """A whole user: what is left out becomes empty."""

    attributes: Attributes = Field(default_factory=dict)


class UserChanges(Body):
    """Some fields of a user; what is left out stays."""

    attributes: Attributes = Field(default_factory=dict)


class UserAnswer(Answer):
    """A user."""

    user_id: str
    attributes: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class UsersAnswer(Answer):
    """A page of users, by id."""

    users: list[UserAnswer]
    next_cursor: NextCursor
