"""What takes a count of everything, and may be a minute old: counted by one thread at a time.

Each process has its own.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

T = TypeVar("T")


class Counted(Generic[T]):
    """What `count` makes of a database, at most once in `max_age` seconds; nothing, anew each time.

    While a thread counts, the others have what was counted before, or wait where nothing was.
    """

    def __init__(self, count: Callable[[Session], T], *, max_age: float) -> None:
        self._count = count
        self._max_age = max_age
        self._lock = Lock()
        self._value: T | None = None
        self._counted_at = float("-inf")

    def get(self, session: Session) -> T:
        """As it is now, or was a short while ago."""
        if self._is_fresh() or not self._lock.acquire(blocking=not self._value):
            assert self._value is not None
            return self._value
        try:
            if not self._is_fresh():
                self._value = self._count(session)
                self._counted_at = time.monotonic()
            assert self._value is not None
            return self._value
        finally:
            self._lock.release()

    def _is_fresh(self) -> bool:
        return bool(self._value) and time.monotonic() - self._counted_at <= self._max_age
