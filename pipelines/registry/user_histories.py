"""The stored histories of all users, batch by batch, for exports. Not what is made of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from sqlalchemy.orm import Session

from pipelines.data.interactions import DataConfig
from pipelines.predictor.histories import History, weighed_history
from pipelines.predictor.predictor import Predictor
from pipelines.storage.interactions import interactions_between
from pipelines.storage.users import list_users


@dataclass(frozen=True)
class UserHistory:
    """What the network reads of a user, and every item of theirs, whatever they did with it."""

    user_id: str
    history: History
    seen: frozenset[str]


def history_batches(
    session: Session, predictor: Predictor | None, *, size: int
) -> Iterator[list[UserHistory]]:
    """All users by their ids, `size` at a time; without a predictor their histories are empty."""
    after = None
    while users := list_users(session, limit=size, after=after):
        user_ids = [user.user_id for user in users]
        rows = interactions_between(session, first_id=user_ids[0], last_id=user_ids[-1])
        of_user = {user_id: list(theirs) for user_id, theirs in groupby(rows, itemgetter(0))}
        yield [_history(predictor, user_id, of_user.get(user_id, [])) for user_id in user_ids]
        after = user_ids[-1]
        session.expunge_all()  # or the session would keep every user


def _history(
    predictor: Predictor | None, user_id: str, rows: list[tuple[str, str, str, float]]
) -> UserHistory:
    seen = frozenset(item_id for _, item_id, _, _ in rows)
    if predictor is None:
        return UserHistory(user_id, History([], ()), seen)
    weights: dict[str, list[float]] = {}
    for _, item_id, action, weight in rows:
        if _counts(predictor.data, action, weight):
            weights.setdefault(item_id, []).append(weight)
    return UserHistory(user_id, weighed_history(predictor, weights), seen)


def _counts(data: DataConfig, action: str, weight: float) -> bool:
    return weight > data.above and (not data.actions or action in data.actions)
