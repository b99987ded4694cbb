"""Counts of everything: by one thread at a time, however many ask."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.predictor.counted import Counted


@pytest.fixture
def session(sqlite_engine: Engine) -> Session:
    return Session(sqlite_engine)


def test_of_many_who_ask_at_once_one_counts(session: Session) -> None:
    started, go_on = Event(), Event()
    calls: list[int] = []

    def count(_: Session) -> str:
        calls.append(1)
        started.set()
        assert go_on.wait(10)
        return "counted"

    counted = Counted(count, max_age=60)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(counted.get, session) for _ in range(8)]
        assert started.wait(10)
        go_on.set()
        assert {answer.result(10) for answer in answers} == {"counted"}
    assert len(calls) == 1


def test_while_one_counts_anew_the_others_have_what_was_counted_before(session: Session) -> None:
    started, go_on = Event(), Event()
    values = iter(["first", "second"])

    def count(_: Session) -> str:
        value = next(values)
        if value == "second":
            started.set()
            assert go_on.wait(10)
        return value

    counted = Counted(count, max_age=0)
    assert counted.get(session) == "first"
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(counted.get, session)
        assert started.wait(10)
        assert counted.get(session) == "first"
        go_on.set()
        assert answer.result(10) == "second"


def test_a_count_that_fails_is_tried_again(session: Session) -> None:
    outcomes = iter([RuntimeError("away"), "there"])

    def count(_: Session) -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    counted = Counted(count, max_age=60)
    with pytest.raises(RuntimeError):
        counted.get(session)
    assert counted.get(session) == "there"
