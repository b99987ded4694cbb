"""Rows of the formats with a fixed shape, and the items described beside them."""

from datetime import UTC, datetime
from pathlib import Path

from pipelines.data.formats.base import CHUNK_ROWS, BadLine
from pipelines.data.formats.lastfm import LASTFM
from pipelines.data.formats.lines import MAX_LINE_BYTES
from pipelines.data.formats.movielens_100k import MOVIELENS_100K
from pipelines.data.formats.movielens_csv import MOVIELENS_CSV
from pipelines.data.formats.user_lines import USER_LINES
from pipelines.storage.items import NewItem
from pipelines.storage.tables import UNTIMED

WHEN = datetime(2009, 12, 14, 2, 52, 24, tzinfo=UTC)


def test_movielens_ratings_keep_rating_and_time(read_rows) -> None:
    text = "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n"
    assert read_rows(text) == [("1", "31", "rate", 2.5, WHEN)]


def test_movielens_100k_ratings_keep_rating_and_time(read_rows) -> None:
    assert read_rows("196\t242\t3\t1260759144\n") == [("196", "242", "rate", 3.0, WHEN)]


def test_lastfm_play_counts_are_weights_with_and_without_header(read_rows) -> None:
    rows = [("2", "51", "play", 13883.0, UNTIMED)]
    assert read_rows("2\t51\t13883\r\n") == rows
    assert read_rows("userID\tartistID\tweight\r\n2\t51\t13883\r\n") == rows


def test_user_lines_give_a_row_for_each_item(read_rows) -> None:
    rows = [("0", "5", "like", 1.0, UNTIMED), ("0", "6", "like", 1.0, UNTIMED)]
    assert read_rows("0 5 6\n1 \n", USER_LINES) == rows


def test_action_of_the_caller_replaces_the_format_s_own(read_rows) -> None:
    assert read_rows("2\t51\t13883\n", action="listen")[0][2] == "listen"


def test_last_line_needs_no_line_end_and_blank_lines_are_passed_over(read_file) -> None:
    (chunk,) = read_file("1 2 3\n\n   \n4 5 6")
    assert len(chunk.rows) == 4
    assert chunk.lines == 2


def test_bad_lines_are_numbered_as_an_editor_numbers_them(read_bad) -> None:
    text = "196\t242\t3\t881250949\r\n\r\n186\t302\t3\r\n22\t377\tx\t878887116\r\n"
    assert read_bad(text, MOVIELENS_100K) == [
        (3, "has 3 columns, needed are 4: user id, item id, rating, timestamp"),
        (4, "rating is 'x', a number is needed"),
    ]


def test_bytes_that_are_not_utf_8_are_one_bad_line(read_bad) -> None:
    assert read_bad(b"1 2\n1 \xff\n3 4\n", USER_LINES) == [
        (2, "not UTF-8 text at byte 3 of the line")
    ]


def test_line_too_long_is_bad_and_those_around_it_are_read(read_file) -> None:
    chunks = read_file(b"1 2\n1 " + b"9" * (2 * MAX_LINE_BYTES) + b"\n3 4\n", USER_LINES)
    assert [row.user_id for chunk in chunks for row in chunk.rows] == ["1", "3"]
    assert [line.line for chunk in chunks for line in chunk.bad] == [2]


def test_chunks_are_bounded_however_long_a_line_is(read_file) -> None:
    items = " ".join(str(number) for number in range(2 * CHUNK_ROWS + 1))
    chunks = read_file(f"1 {items}\n", USER_LINES)
    assert [len(chunk.rows) for chunk in chunks] == [CHUNK_ROWS, CHUNK_ROWS, 1]
    assert [chunk.lines for chunk in chunks] == [1, 0, 0]


def test_movies_csv_gives_titles_and_genres(tmp_path: Path) -> None:
    lines = ["movieId,title,genres", '11,"President, The (1995)",Comedy|Drama', "12,A"]
    lines.append("13,B,(no genres listed)")
    (tmp_path / "movies.csv").write_text("\n".join(lines))
    assert list(MOVIELENS_CSV.describe([tmp_path / "movies.csv"])) == [
        NewItem("11", "President, The (1995)", ["Comedy", "Drama"], None),
        BadLine("movies.csv", 3, "has 2 columns, needed are movieId,title,genres"),
        NewItem("13", "B", [], None),
    ]


def test_tags_csv_gives_the_tags_that_most_users_gave_first(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n11,A,Drama\n12,B,Drama\n")
    tags = ["userId,movieId,tag,timestamp", "1,11,slow,9", '2,11,"Twist, late",9', "3,11,SLOW,9"]
    tags += ["1,99,lost,9", "1,11,9", "1,11, ,9"]
    (tmp_path / "tags.csv").write_text("\n".join(tags))
    files = [tmp_path / "movies.csv", tmp_path / "tags.csv"]
    assert list(MOVIELENS_CSV.describe(files)) == [
        BadLine("tags.csv", 6, "has 3 columns, needed are userId,movieId,tag,timestamp"),
        BadLine("tags.csv", 7, "the tag is empty"),
        NewItem("11", "A", ["Drama"], None, ["slow", "twist, late"]),
        NewItem("12", "B", ["Drama"], None),
        NewItem("99", tags=["lost"]),
    ]


def test_u_item_gives_latin_1_titles_and_named_genre_flags(tmp_path: Path) -> None:
    (tmp_path / "u.genre").write_text("unknown|0\nAction|1\nDrama|2\n\n")
    (tmp_path / "u.item").write_bytes(
        "1|Misérables, Les|01-Jan-1995||url|0|1|1\n".encode("latin-1")
    )
    item = NewItem("1", "Misérables, Les", ["Action", "Drama"], None)
    assert list(MOVIELENS_100K.describe([tmp_path / "u.item", tmp_path / "u.genre"])) == [item]


def test_u_item_without_u_genre_gives_titles_alone(tmp_path: Path) -> None:
    (tmp_path / "u.item").write_text("1|Toy Story|01-Jan-1995||url|0|1\nbroken\n")
    title, bad = MOVIELENS_100K.describe([tmp_path / "u.item"])
    assert title == NewItem("1", "Toy Story", None, None)
    assert bad == BadLine("u.item", 2, "has 1 columns, at least 5 are needed")


def test_artists_dat_gives_names_with_and_without_header(tmp_path: Path) -> None:
    row = "1\tMALICE  MIZER\thttp://x\thttp://y\n"
    for content in (row, "id\tname\turl\tpictureURL\n" + row):
        (tmp_path / "artists.dat").write_text(content)
        assert list(LASTFM.describe([tmp_path / "artists.dat"])) == [
            NewItem("1", "MALICE MIZER", None, None)
        ]
