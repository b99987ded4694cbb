"""One ahead: order, errors and an early end."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from pipelines.data.ahead import ahead


def test_the_same_items_come_in_the_same_order() -> None:
    assert list(ahead(iter([1, None, 3]))) == [1, None, 3]
    assert list(ahead(iter([]))) == []


def test_an_error_comes_where_the_item_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no second")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="no second"):
        next(coming)


def test_no_more_than_one_is_made_ahead_and_none_after_an_early_end() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    with closing(ahead(items())) as coming:
        assert next(coming) == 0
        assert len(made) <= 2
    assert len(made) <= 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
