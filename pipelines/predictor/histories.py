"""Whose history an answer is about: posted with the request, or stored. Not the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from pipelines.errors import NotFound
from pipelines.predictor.predictor import Predictor
from pipelines.storage import interactions, users


@dataclass(frozen=True)
class History:
    """A history as a predictor reads it: known columns, and the ids that it ignores."""

    item_nums: list[int]
    ignored: tuple[str, ...]
    weights: list[float] | None = None
    """Of each of them, as stored; None: they are liked, no more is known."""


def posted_history(predictor: Predictor, item_ids: Sequence[str]) -> History:
    """A history sent with the request; an id that stands twice counts once."""
    item_nums, unknown = predictor.vocabulary.split(item_ids)
    return History(item_nums, tuple(unknown))


def stored_history(session: Session, predictor: Predictor, user_id: str) -> History:
    """A user's stored history, by the same rule as the artifact's training data."""
    data = predictor.data
    weights = interactions.weights_of(
        session, user_id=user_id, actions=data.actions or None, above=data.above
    )
    return weighed_history(predictor, weights)


def weighed_history(predictor: Predictor, weights: Mapping[str, Sequence[float]]) -> History:
    """A history of items with the weights stored of each, from old to new."""
    data = predictor.data
    history = posted_history(predictor, list(weights))
    pick = max if data.values == "binary" else (last if data.values == "rating" else sum)
    ids = predictor.vocabulary.item_ids
    return replace(history, weights=[pick(weights[ids[num]]) for num in history.item_nums])


def last(weights: Sequence[float]) -> float:
    """The newest weight."""
    return weights[-1]


def check_user(session: Session, user_id: str) -> None:
    """Raise NotFound unless the user is stored."""
    if users.get_user(session, user_id=user_id) is None:
        raise NotFound(f"There is no user {user_id!r}. Post an interaction of theirs first.")
