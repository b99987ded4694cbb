"""Making the next of something while this one is worked on. Not for work that can be split."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

Item = TypeVar("Item")

_END: Any = object()


def ahead(items: Iterator[Item]) -> Generator[Item]:
    """The same items in the same order; a thread makes one, and no more, ahead of the caller.

    What making one raises is raised where it would have been given. Close it when leaving early:
    that waits for the one being made.
    """
    with ThreadPoolExecutor(1, "ahead") as thread:
        coming = thread.submit(next, items, _END)
        while (item := coming.result()) is not _END:
            coming = thread.submit(next, items, _END)
            yield cast(Item, item)
