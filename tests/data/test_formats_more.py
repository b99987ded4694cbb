"""Rows of MovieLens 1M, Taste-Profile, RecBole, JSON Lines and Parquet files."""

import gzip
import io
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.formats.base import BadLine, Columns, Head, ReadOptions
from pipelines.data.formats.jsonl import JSONL
from pipelines.data.formats.movielens_dat import MOVIELENS_DAT
from pipelines.data.formats.parquet import PARQUET
from pipelines.data.formats.recbole import RECBOLE
from pipelines.data.formats.triplets import TRIPLETS
from pipelines.errors import InvalidInput
from pipelines.storage.items import NewItem
from pipelines.storage.tables import UNTIMED

WHEN = datetime(2000, 12, 31, 22, 12, 40, tzinfo=UTC)


def parquet_bytes(**columns: object) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def test_ratings_dat_keeps_rating_and_time(read_rows) -> None:
    assert read_rows("1::1193::5::978300760\n") == [("1", "1193", "rate", 5.0, WHEN)]


def test_movies_dat_is_read_in_latin_1_and_in_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "movies.dat"
    for encoding in ("latin-1", "utf-8"):
        path.write_text("73::Misérables, Les (1995)::Drama|Musical\n1::A::B::C\n", encoding)
        assert list(MOVIELENS_DAT.describe([path])) == [
            NewItem("73", "Misérables, Les (1995)", ["Drama", "Musical"], None),
            BadLine("movies.dat", 2, "has 4 columns, needed are MovieID::Title::Genres"),
        ]


@pytest.mark.parametrize("separator", ["\t", " "])
def test_triplets_are_plays_with_tabs_and_with_spaces(read_rows, separator: str) -> None:
    text = "b80344d0 SOAKIMP12A8C130995 2\n".replace(" ", separator)
    assert read_rows(text) == [("b80344d0", "SOAKIMP12A8C130995", "play", 2.0, UNTIMED)]


def test_triplet_that_is_cut_off_is_a_bad_line(read_bad) -> None:
    text = "u SOA 1\nu SOB 2\nu SOC\n"
    assert read_bad(text, TRIPLETS) == [(3, "has 2 columns, needed are 3: user, song, count")]


def test_recbole_columns_are_found_without_their_types(read_rows) -> None:
    text = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n7\tx y\t4.5\t978300760.0\n"
    assert read_rows(text) == [("7", "x y", "rate", 4.5, WHEN)]
    assert read_rows("item_id:token\tuser_id:token\nx\t7\n") == [("7", "x", "like", 1.0, UNTIMED)]


def test_recbole_items_have_titles_and_classes_with_spaces_between(tmp_path: Path) -> None:
    path = tmp_path / "ml.item"
    path.write_text(
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "1\tToy Story\t1995\tAnimation Comedy\n2\tB\n"
    )
    assert list(RECBOLE.describe([path])) == [
        NewItem("1", "Toy Story", ["Animation", "Comedy"], None),
        BadLine("ml.item", 3, "has 2 columns, the header has 4"),
    ]
    path.write_text("movie_title:token_seq\nA\n")
    assert list(RECBOLE.describe([path])) == [
        BadLine("ml.item", 1, "names no column item_id:token")
    ]


def test_json_lines_have_the_fields_and_defaults_of_the_api(read_rows) -> None:
    whole = (
        '{"user_id": "a", "item_id": " b", "action": "play", "weight": 2, '
        '"occurred_at": "2000-12-31T22:12:40Z", "more": [1]}\n'
    )
    assert read_rows(whole) == [("a", " b", "play", 2.0, WHEN)]
    least = '{"user_id": 7, "item_id": "b", "weight": null, "occurred_at": null}\n'
    assert read_rows(least) == [("7", "b", "like", 1.0, UNTIMED)]
    assert read_rows(least, action="view")[0][2] == "view"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ("[" * 100_000, "is not JSON"),
        ('{"user_id": ' + "9" * 5_000 + ', "item_id": "b"}', "is not JSON"),
        ('{"item_id": "b"}', "has no user_id"),
        ('{"user_id": true, "item_id": "b"}', "neither a string nor a number"),
        ('{"user_id": "\\u0000", "item_id": "b"}', "U+0000"),
        ('{"user_id": "a", "item_id": "b", "weight": NaN}', "a finite number is needed"),
        ('{"user_id": "a", "item_id": "b", "weight": "1"}', "weight is a string"),
        ('{"user_id": "a", "item_id": "b", "weight": true}', "neither a string nor a number"),
        ('{"user_id": "a", "item_id": "b", "occurred_at": "2020-01-01"}', "no time zone"),
        ('{"user_id": "a", "item_id": "b", "occurred_at": 1e400}', "in the future"),
    ],
)
def test_wrong_json_line_says_why(read_bad, line: str, reason: str) -> None:
    ((number, told),) = read_bad(line, JSONL)
    assert number == 1
    assert reason in told


@given(st.binary(max_size=200))
def test_no_bytes_break_the_json_reader(data: bytes) -> None:
    options = ReadOptions(head=Head("x", data), now=WHEN)
    list(JSONL.read(io.BytesIO(data), options).chunks)


def test_parquet_columns_of_any_type_are_read_by_the_names_of_csv(read_rows) -> None:
    data = parquet_bytes(
        userId=pa.array([7]),
        track=pa.array([" b"]).dictionary_encode(),
        plays=pa.array([3.5], pa.float32()),
        time=pa.array([WHEN], pa.timestamp("ns", "Europe/Paris")),
        other=pa.array([[1, 2]]),
    )
    assert read_rows(data) == [("7", " b", "play", 3.5, WHEN)]


@pytest.mark.parametrize("type_", [pa.timestamp("ms"), pa.timestamp("us", "UTC")])
def test_parquet_time_without_zone_is_utc_and_without_value_untimed(read_rows, type_) -> None:
    naive = WHEN.replace(tzinfo=None)
    data = parquet_bytes(user=["a", "a"], item=["b", "c"], time=pa.array([naive, None], type_))
    assert [row[4] for row in read_rows(data)] == [WHEN, UNTIMED]


def test_parquet_seconds_since_1970_are_times_too(read_rows) -> None:
    data = parquet_bytes(user=["a"], item=["b"], time=[978300760])
    assert read_rows(data)[0][4] == WHEN


def test_parquet_describes_items_and_joins_lists_of_categories(read_file) -> None:
    data = parquet_bytes(user=["a"], item=["b"], title=["T"], genres=[["x", "y"]])
    (chunk,) = read_file(data)
    assert chunk.items == [NewItem("b", "T", ["x", "y"], None)]


def test_bad_parquet_rows_are_numbered_from_one_across_row_groups(read_bad, tmp_path) -> None:
    table = pa.table(
        {"user": ["a", None, "c"], "item": ["x", "y", "z"], "weight": [1.0, 1.0, None]}
    )
    pq.write_table(table, tmp_path / "x", row_group_size=1)
    assert read_bad((tmp_path / "x").read_bytes()) == [
        (2, "user is empty"),
        (3, "weight is empty, a number is needed"),
    ]


def test_parquet_columns_can_be_named_and_must_be_there(read_rows, read_file) -> None:
    data = parquet_bytes(listener=["a"], **{"song name": ["b"]})
    columns = Columns(user="listener", item="song name")
    assert read_rows(data, PARQUET, columns=columns) == [("a", "b", "like", 1.0, UNTIMED)]
    with pytest.raises(InvalidInput, match="nearest is 'listener'"):
        read_file(data, PARQUET, columns=Columns(user="listner", item="song name"))


def test_parquet_with_a_column_that_is_no_id_is_refused_by_name(read_file) -> None:
    with pytest.raises(InvalidInput, match="cannot be read as Parquet"):
        read_file(parquet_bytes(user=[{"x": 1}], item=["b"]))
    dates = parquet_bytes(user=["a"], item=["b"], time=[date(2000, 1, 1)])
    assert "no time zone" in read_file(dates)[0].bad[0].reason


def test_damaged_or_packed_parquet_is_refused(read_file) -> None:
    data = parquet_bytes(user=["a"], item=["b"])
    with pytest.raises(InvalidInput, match="cannot be read as Parquet"):
        read_file(data[:-10], PARQUET)
    options = ReadOptions(head=Head("x", data), now=WHEN)
    packed = gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(data)))
    with pytest.raises(InvalidInput, match="Take it out"):
        PARQUET.read(packed, options)
