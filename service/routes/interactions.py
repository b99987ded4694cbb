"""Interactions: stored in batches, listed by user."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint

from pipelines.storage.interactions import (
    NewInteraction,
    list_interactions,
    store_interactions,
)
from service.context import context
from service.pagination import bad_cursor, decode_cursor, page
from service.schemas.interactions import (
    InteractionsAnswer,
    InteractionsBody,
    InteractionsQuery,
    StoredAnswer,
)

bp = APIBlueprint("interactions", __name__, url_prefix="/v1/interactions", tag="Interactions")

EXAMPLE = {"interactions": [{"user_id": "client-4", "item_id": "song-4"}]}


@bp.post("")
@bp.input(InteractionsBody, arg_name="body", example=EXAMPLE)
@bp.output(StoredAnswer)
def store(body: InteractionsBody) -> dict[str, int]:
    """Store interactions

    1 to 1,000 of them, all or none. Unknown users and items are created. Sending the same again
    changes nothing; the same user, item, action and time with another weight replaces it.
    """
    with context().writing() as session:
        stored = store_interactions(session, rows=body.rows(), now=datetime.now(UTC))
    return stored._asdict()  # a bare tuple would be a body and a status to Flask


@bp.get("")
@bp.input(InteractionsQuery, location="query", arg_name="query")
@bp.output(InteractionsAnswer)
def list_of_user(query: InteractionsQuery) -> dict[str, Any]:
    """List a user's interactions

    Newest first, the untimed ones at the end. Empty for a user without any.
    """
    with context().reading() as session:
        rows = list_interactions(
            session, user_id=query.user_id, limit=query.limit + 1, after=_position(query.cursor)
        )
    kept, following = page(rows, kind="interactions", limit=query.limit, position=_strings)
    return {"interactions": kept, "next_cursor": following}


def _strings(row: NewInteraction) -> list[str]:
    return [row.occurred_at.isoformat(), row.item_id, row.action]


def _position(cursor: str | None) -> tuple[datetime, str, str] | None:
    """What `_strings` made, back again."""
    strings = decode_cursor("interactions", cursor, size=3)
    if strings is None:
        return None
    try:
        return datetime.fromisoformat(strings[0]).astimezone(UTC), strings[1], strings[2]
    except (ValueError, OverflowError):
        raise bad_cursor() from None
