"""Users: listed, read, written, removed."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from pipelines.storage import users as storage
from pipelines.storage.tables import User
from service.context import context
from service.lookup import found, removed
from service.pagination import decode_cursor, page
from service.schemas.pages import PageQuery
from service.schemas.users import UserAnswer, UserBody, UserChanges, UsersAnswer

bp = APIBlueprint("users", __name__, url_prefix="/v1/users", tag="Users")

EXAMPLE = {"attributes": {"country": "NO"}}


@bp.get("")
@bp.input(PageQuery, location="query", arg_name="query")
@bp.output(UsersAnswer)
def list_users(query: PageQuery) -> dict[str, Any]:
    """List users

    In the order of their ids.
    """
    after = decode_cursor("users", query.cursor, size=1)
    with context().reading() as session:
        rows = storage.list_users(session, limit=query.limit + 1, after=after[0] if after else None)
    users, following = page(
        rows, kind="users", limit=query.limit, position=lambda row: [row.user_id]
    )
    return {"users": users, "next_cursor": following}


@bp.put("/<user_id>")
@bp.input(UserBody, arg_name="body", example=EXAMPLE)
@bp.output(UserAnswer)
@bp.doc(responses={201: "Created"})
def put_user(user_id: str, body: UserBody) -> tuple[User, int]:
    """Create or replace a user

    What is left out becomes empty. Sending the same again changes nothing.
    """
    with context().writing() as session:
        created = storage.put_user(
            session, user_id=user_id, attributes=body.attributes, now=datetime.now(UTC)
        )
        user = found(storage.get_user(session, user_id=user_id), "user", user_id)
    return user, 201 if created else 200


@bp.get("/<user_id>")
@bp.output(UserAnswer)
def get_user(user_id: str) -> User:
    """Read a user"""
    with context().reading() as session:
        return found(storage.get_user(session, user_id=user_id), "user", user_id)


@bp.patch("/<user_id>")
@bp.input(UserChanges, arg_name="body", example=EXAMPLE)
@bp.output(UserAnswer)
def patch_user(user_id: str, body: UserChanges) -> User:
    """Change some fields of a user

    What is left out stays; `attributes` is replaced whole.
    """
    changes = body.model_dump(exclude_unset=True)
    with context().writing() as session:
        user = storage.update_user(session, user_id=user_id, changes=changes, now=datetime.now(UTC))
        return found(user, "user", user_id)


@bp.delete("/<user_id>")
@bp.output({}, status_code=204, description="Removed")
def delete_user(user_id: str) -> Response:
    """Remove a user and its interactions"""
    with context().writing() as session:
        deleted = storage.delete_user(session, user_id=user_id)
    return removed(deleted, "user", user_id)
