"""What most users have: the answer when there is no history, or no artifact yet."""

import time

from sqlalchemy.orm import Session

from pipelines.storage.interactions import popular_items

MAX_AGE = 60.0
"""Seconds for which a ranking is used again: counting all interactions is slow."""
DEPTH = 25_000
"""Ranks that are kept: more than the longest list plus the most exclusions of one request."""


class Popularity:
    """The ranking of items by their number of users, counted at most once in MAX_AGE seconds."""

    def __init__(self, max_age: float = MAX_AGE) -> None:
        self._max_age = max_age
        self._ranking: list[tuple[str, float]] = []
        self._counted_at = float("-inf")

    def ranking(self, session: Session) -> list[tuple[str, float]]:
        """Item ids with their number of users, most first."""
        if not self._ranking or time.monotonic() - self._counted_at > self._max_age:
            counts = popular_items(session, limit=DEPTH)
            self._ranking = [(item_id, float(n_users)) for item_id, n_users in counts]
            self._counted_at = time.monotonic()
        return self._ranking
