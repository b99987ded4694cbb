"""Which format a file is taken for, by looking at its beginning."""

from pathlib import Path

import pytest

from pipelines.data.formats import FORMATS, Head, recognise

SAMPLES = {
    "movielens-csv": "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n",
    "movielens-100k": "196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
    "lastfm": "2\t51\t13883\r\n2\t52\t11690\r\n",
    "user-lines": "0 0 1 2 3\n1 4 5\n2 7\n",
    "csv": "client;song\na;b\n",
}


def name_of(content: str | bytes, name: str = "data") -> str | None:
    data = content.encode() if isinstance(content, str) else content
    known = recognise(Head(path=Path(name), data=data))
    return known.name if known else None


def test_every_format_has_a_sample() -> None:
    assert set(SAMPLES) == {known.name for known in FORMATS}


@pytest.mark.parametrize("name", SAMPLES)
def test_format_recognises_its_own_file_whatever_its_name(name: str) -> None:
    assert name_of(SAMPLES[name]) == name


@pytest.mark.parametrize("name", SAMPLES)
def test_byte_order_mark_does_not_matter(name: str) -> None:
    assert name_of(b"\xef\xbb\xbf" + SAMPLES[name].encode()) == name


def test_lastfm_is_recognised_with_its_header_too() -> None:
    assert name_of("userID\tartistID\tweight\r\n2\t51\t13883\r\n") == "lastfm"


def test_some_damaged_lines_do_not_hide_a_format() -> None:
    assert name_of("x\n196\t242\t3\t881250949\n\n186\t302\t3\t891717742\n") == "movielens-100k"


def test_ids_that_are_words_are_believed_in_train_txt_only() -> None:
    assert name_of("anna rock jazz\nbert jazz\n", "train.txt") == "user-lines"
    assert name_of("anna rock jazz\nbert jazz\n", "notes.txt") is None


def test_csv_in_train_txt_is_csv() -> None:
    assert name_of("user_id,item_id,title\na,b,One Two\n", "train.txt") == "csv"


@pytest.mark.parametrize(
    "content", ["", "\n\n", "once upon a time\n", "a,b,c\n1,2,3\n", bytes(range(256))]
)
def test_anything_else_is_not_recognised(content: str | bytes) -> None:
    assert name_of(content) is None
