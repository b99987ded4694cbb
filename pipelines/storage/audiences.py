"""Who has what, counted and sampled: interactions of any action with a weight above 0."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.storage.tables import Interaction, Item, User


def users_of_items(session: Session) -> dict[str, int]:
    """How many users have each item that anybody has."""
    counts = (
        select(Interaction.item_key, func.count(Interaction.user_key.distinct()).label("n_users"))
        .where(Interaction.weight > 0)
        .group_by(Interaction.item_key)
        .subquery()
    )
    query = select(Item.item_id, counts.c.n_users).join(counts, counts.c.item_key == Item.item_key)
    return dict(session.execute(query).all())


def histories_of_some(session: Session, *, n_users: int) -> list[list[str]]:
    """The items of about so many users who have any, evenly spread over all; weights above 0."""
    highest = session.scalar(select(func.max(User.user_key))) or 0
    step = max(1, highest // n_users)
    query = (
        select(Interaction.user_key, Item.item_id)
        .join(Item)
        .where(Interaction.user_key % step == 0, Interaction.weight > 0)
        .distinct()
        .order_by(Interaction.user_key, Item.item_id)
    )
    histories: dict[int, list[str]] = {}
    for user_key, item_id in session.execute(query):
        histories.setdefault(user_key, []).append(item_id)
    return list(histories.values())
