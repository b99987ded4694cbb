"""Cells: which text is an id, a weight, a time, and the reason where it is not."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.formats.base import BadRow
from pipelines.data.formats.cells import (
    read_categories,
    read_id,
    read_title,
    read_weight,
    time_reader,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
read_time = time_reader(NOW)


@pytest.mark.parametrize("text", ["a/b", 'quoted "x"', "👨‍👩‍👧", "x" * 256, "क्‍ष", "a b"])
def test_rare_ids_are_ids(text: str) -> None:
    assert read_id(text, "user") == text


@pytest.mark.parametrize("text", ["", "  ", "x" * 257, "a\0b", "a\nb", "a\x7fb", "\ud800"])
def test_unusable_ids_are_refused(text: str) -> None:
    with pytest.raises(BadRow, match="user"):
        read_id(text, "user")


@given(st.text())
def test_an_id_is_never_altered_but_for_spaces_around_it(text: str) -> None:
    with suppress(BadRow):
        assert read_id(text, "user") == text.strip()


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "", "x", "1_0", "0x1", "1,5"])
def test_weight_must_be_a_finite_number(text: str) -> None:
    with pytest.raises(BadRow, match="weight"):
        read_weight(text, "weight")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_weight_is_read_exactly(weight: float) -> None:
    assert read_weight(repr(weight), "weight") == weight


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda when: when < NOW))
def test_rfc_3339_time_is_read_exactly(when: datetime) -> None:
    assert read_time(when.isoformat(), "time") == when


def test_times_in_other_zones_become_utc() -> None:
    expected = datetime(2020, 1, 1, 10, tzinfo=UTC)
    for text in ("2020-01-01T12:00:00+02:00", "2020-01-01t10:00:00z", "1577872800", "1577872800.0"):
        when = read_time(text, "time")
        assert when == expected
        assert when.tzinfo is UTC


def test_clock_may_be_a_day_ahead_and_no_more() -> None:
    zone = timezone(timedelta(hours=-12))
    near = NOW + timedelta(hours=24)
    assert read_time(near.astimezone(zone).isoformat(), "time") == near
    for far in (near + timedelta(seconds=1), near + timedelta(days=1000)):
        for text in (far.isoformat(), str(far.timestamp())):
            with pytest.raises(BadRow, match="in the future"):
                read_time(text, "time")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2020-01-01T00:00:00", "no time zone"),
        ("2020-01-01", "no time zone"),
        ("yesterday", "needed is"),
        ("", "empty"),
        ("nan", "no time"),
        ("-1e300", "no time"),
        ("1260759144000", "milliseconds"),
    ],
)
def test_unusable_time_says_why(text: str, reason: str) -> None:
    with pytest.raises(BadRow, match=reason):
        read_time(text, "time")


def test_titles_and_categories_are_on_one_line() -> None:
    assert read_title(" two\n lines ") == "two lines"
    assert read_title(" ") is None
    assert read_categories("Rock| Jazz||Rock") == ["Rock", "Jazz"]
    with pytest.raises(BadRow, match="U\\+0000"):
        read_title("a\0")
    with pytest.raises(BadRow, match="category"):
        read_categories("a|b\0")
