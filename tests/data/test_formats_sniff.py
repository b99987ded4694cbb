"""Which format a file is taken for, by looking at its beginning."""

import pytest

from pipelines.data.formats import FORMATS, Head, recognise

SAMPLES = {
    "movielens-csv": "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n",
    "movielens-100k": "196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
    "lastfm": "2\t51\t13883\r\n2\t52\t11690\r\n",
    "user-lines": "0 0 1 2 3\n1 4 5\n2 7\n",
    "csv": "client;song\na;b\n",
    "movielens-dat": "1::1193::5::978300760\n1::661::3::978302109\n",
    "triplets": "b80344d0\tSOAKIMP12A8C130995\t1\nb80344d0\tSOAPDEY12A81C210A9\t1\n",
    "recbole": "user_id:token\titem_id:token\trating:float\n196\t242\t3\n",
    "parquet": "PAR1\x15\x04\x15",
    "jsonl": '{"user_id": "a", "item_id": "b"}\n{"item_id": "b", "user_id": "a"}\n',
}


def name_of(content: str | bytes, name: str = "data") -> str | None:
    data = content.encode() if isinstance(content, str) else content
    known = recognise(Head(name=name, data=data))
    return known.name if known else None


def test_every_format_has_a_sample() -> None:
    assert set(SAMPLES) == {known.name for known in FORMATS}


@pytest.mark.parametrize("name", SAMPLES)
def test_format_recognises_its_own_file_whatever_its_name(name: str) -> None:
    assert name_of(SAMPLES[name]) == name


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"parquet"}))
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


@pytest.mark.parametrize(
    ("content", "name", "format_name"),
    [
        ("anna song-4 3\nbert song-1 1\n", "plays.txt", "triplets"),
        ("anna\t7\t3\nbert\t8\t1\n", "plays.txt", "triplets"),
        ("1 7 3\n2 8 1\n", "plays.txt", "user-lines"),
        ("1\t7\t3\n2\t8\t1\n", "train_triplets.txt", "lastfm"),
        ("anna 7 3\nbert 8 1\n", "train.txt", "user-lines"),
        ("anna 7 3\nbert 8 1\n", "plays.txt", None),
        ("anna rock jazz\nbert jazz pop\n", "train.txt", "user-lines"),
        ("user\tsong\tcount\nanna\tsong-4\t3\n", "plays.txt", "csv"),
    ],
)
def test_triplets_are_told_from_user_lines_and_lastfm(
    content: str, name: str, format_name: str | None
) -> None:
    assert name_of(content, name) == format_name


def test_header_of_column_names_makes_csv_of_rows_of_numbers() -> None:
    assert name_of("user_id\titem_id\trating\n1\t2\t3\n") == "csv"
    assert name_of("user_id\titem_id\trating\ttime\n1\t2\t3\t4\n") == "csv"


def test_typed_header_without_users_is_not_recbole() -> None:
    assert name_of("item_id:token\tmovie_title:token_seq\n1\tToy Story\n") is None
