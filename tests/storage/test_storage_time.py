"""Times as they are stored."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import StatementError

from pipelines.storage.engine import writing
from pipelines.storage.tables import UNTIMED, UtcTime, microseconds
from pipelines.storage.users import put_user

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - the point of the tests
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES)  # noqa: DTZ001


@given(MOMENTS)
def test_a_time_comes_back_exactly(moment: datetime) -> None:
    column, dialect = UtcTime(), sqlite.dialect()
    stored = column.process_bind_param(moment, dialect)
    assert column.process_result_value(stored, dialect) == moment


@given(MOMENTS, MOMENTS)
def test_stored_times_sort_as_the_moments_do(one: datetime, other: datetime) -> None:
    assert (microseconds(one) < microseconds(other)) == (one < other)


def test_untimed_is_the_epoch() -> None:
    assert datetime(1970, 1, 1, tzinfo=UTC) == UNTIMED
    assert microseconds(UNTIMED) == 0


def test_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        microseconds(NAIVE)


def test_naive_time_is_not_stored(engine: Engine) -> None:
    def put_at_naive_time() -> None:
        with writing(engine) as session:
            put_user(session, user_id="u1", attributes={}, now=NAIVE)

    with pytest.raises(StatementError, match="no time zone"):
        put_at_naive_time()
