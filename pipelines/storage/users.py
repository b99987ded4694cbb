"""Users: one row for everyone who was named in an interaction or put here by hand."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, delete, func, literal, select, update
from sqlalchemy.orm import Session

from pipelines.storage.bulk import add_missing, insert_into, values_of
from pipelines.storage.tables import User, UtcTime


def get_user(session: Session, *, user_id: str) -> User | None:
    """The user, or None."""
    return session.scalar(select(User).where(User.user_id == user_id))


def list_users(session: Session, *, limit: int, after: str | None) -> list[User]:
    """Up to `limit` users in the order of their ids, from the first one past `after`."""
    query = select(User).order_by(User.user_id).limit(limit)
    if after is not None:
        query = query.where(User.user_id > after)
    return list(session.scalars(query))


def put_user(
    session: Session, *, user_id: str, attributes: Mapping[str, Any], now: datetime
) -> bool:
    """Create the user or overwrite its attributes; True when it was created."""
    row = {"user_id": user_id, "attributes": attributes, "created_at": now, "updated_at": now}
    statement = insert_into(session, User).values(row).on_conflict_do_nothing()
    if session.execute(statement.returning(User.user_key)).first():
        return True
    update_user(session, user_id=user_id, changes={"attributes": attributes}, now=now)
    return False


def update_user(
    session: Session, *, user_id: str, changes: Mapping[str, Any], now: datetime
) -> User | None:
    """Set the columns that `changes` names; the user as it is now, or None."""
    return session.scalar(
        update(User)
        .where(User.user_id == user_id)
        .values(**changes, updated_at=now)
        .returning(User)
        .execution_options(populate_existing=True)
    )


def delete_user(session: Session, *, user_id: str) -> bool:
    """Delete the user and its interactions; False when there is none."""
    statement = delete(User).where(User.user_id == user_id).returning(User.user_key)
    return session.scalar(statement) is not None


def count_users(session: Session) -> int:
    """Number of users, those without interactions too."""
    return session.scalar(select(func.count()).select_from(User)) or 0


def user_keys(session: Session, *, user_ids: Collection[str], now: datetime) -> dict[str, int]:
    """The key of each user; the unknown ones are created.

    On PostgreSQL the rows stay locked to the end of the transaction: two writers of one user's
    interactions take turns, and nobody deletes the user in between.
    """
    moment = literal(now, UtcTime)
    others = {"attributes": literal({}, JSON), "created_at": moment, "updated_at": moment}
    add_missing(session, User, User.user_id, user_ids, others)
    query = select(User.user_id, User.user_key).where(
        User.user_id.in_(values_of(session, user_ids))
    )
    locked = query.order_by(User.user_id).with_for_update(key_share=True)
    return dict(session.connection().execute(locked).all())
