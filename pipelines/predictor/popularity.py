"""What most users have: the answer when there is no history, or no artifact yet."""

from sqlalchemy.orm import Session

from pipelines.predictor.counted import Counted
from pipelines.storage.interactions import popular_items

MAX_AGE = 60.0
"""Seconds for which a ranking is used again: counting all interactions is slow."""
DEPTH = 25_000
"""Ranks that are kept: more than the longest list plus the most exclusions of one request."""


Ranking = list[tuple[str, float]]
"""Item ids with their number of users, most first."""


class Popularity:
    """The ranking of items by their number of users, counted at most once in MAX_AGE seconds."""

    def __init__(self, max_age: float = MAX_AGE) -> None:
        self._counted = Counted(_count, max_age=max_age)

    def ranking(self, session: Session) -> Ranking:
        return self._counted.get(session)


def _count(session: Session) -> Ranking:
    return [(item_id, float(n)) for item_id, n in popular_items(session, limit=DEPTH)]
