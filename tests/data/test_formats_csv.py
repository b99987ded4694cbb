"""CSV with a header: columns by name, quotes, delimiters."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.formats.base import Columns, Head, ReadOptions
from pipelines.data.formats.csv_file import CSV
from pipelines.errors import InvalidInput
from pipelines.storage.items import NewItem
from pipelines.storage.tables import UNTIMED

WHEN = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "header", ["user_id,item_id", "userId,movieId", "Client,Song", "U-ser,ITEM"]
)
def test_usual_names_are_found_by_themselves(read_rows, header: str) -> None:
    assert read_rows(f"{header}\na,b\n") == [("a", "b", "like", 1.0, UNTIMED)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_all_columns_are_read_in_any_order(read_rows, delimiter: str) -> None:
    lines = ["time,action,other,item,user,weight", "1577836800,view,x,b,a,2.5"]
    text = "\n".join(lines).replace(",", delimiter)
    assert read_rows(text) == [("a", "b", "view", 2.5, WHEN)]


@pytest.mark.parametrize(
    ("weight", "action"), [("rating", "rate"), ("plays", "play"), ("count", "like")]
)
def test_name_of_the_weight_tells_the_action(read_rows, weight: str, action: str) -> None:
    assert read_rows(f"user,item,{weight}\na,b,4\n")[0][2:4] == (action, 4.0)


def test_columns_named_by_the_caller_come_first(read_rows) -> None:
    columns = Columns(user="listener", item="track name", time="when")
    text = "user,listener,track name,when\nx,a,b,2020-01-01T00:00:00Z\n"
    assert read_rows(text, CSV, columns=columns) == [("a", "b", "like", 1.0, WHEN)]


def test_wrong_column_name_names_the_nearest(read_file) -> None:
    with pytest.raises(InvalidInput, match="nearest is 'listener'") as caught:
        read_file("listener,song\na,b\n", CSV, columns=Columns(user="listner"))
    assert caught.value.errors[0].pointer == "/columns/user"


def test_missing_item_column_says_which_option_names_it(read_file) -> None:
    with pytest.raises(InvalidInput, match="--item-column"):
        read_file("user,what\na,b\n", CSV, columns=Columns(user="user"))


def test_titles_and_categories_describe_items_once_a_chunk(read_file) -> None:
    (chunk,) = read_file("user,item,title,genres\na,b,Old,\nc,b,New,x|y\n")
    assert chunk.items == [NewItem("b", "New", ["x", "y"], None)]


def test_quoted_cells_hold_delimiters_quotes_and_line_ends(read_file) -> None:
    (chunk,) = read_file('user,item,title\na,"b,""c""","two\nlines"\nd,e,f\n')
    assert [row.item_id for row in chunk.rows] == ['b,"c"', "e"]
    assert chunk.items[0].title == "two lines"
    assert chunk.bad == []


def test_quote_never_closed_costs_its_own_line_only(read_file) -> None:
    (chunk,) = read_file('user,item\na,b\nc,"d\ne,f\n"g",h\ni,"j"\nk,l\n')
    assert [row.user_id for row in chunk.rows] == ["a", "e", "g", "i", "k"]
    assert [line.line for line in chunk.bad] == [3]


def test_rows_with_too_few_or_too_many_cells_are_bad(read_bad) -> None:
    assert read_bad("user,item\na\na,b,c\na,b\n") == [
        (2, "has 1 columns, the header has 2"),
        (3, "has 3 columns, the header has 2"),
    ]


cells = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=20)
ids = cells.map(str.strip).filter(bool)


@given(st.lists(st.tuples(ids, ids, cells), min_size=1, max_size=20))
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("user", "item", "note"), *rows])
    data = text.getvalue().encode()
    options = ReadOptions(head=Head("x", data), now=WHEN)
    chunks = list(CSV.read(io.BytesIO(data), options).chunks)
    assert [line for chunk in chunks for line in chunk.bad] == []
    assert [(row.user_id, row.item_id) for chunk in chunks for row in chunk.rows] == [
        row[:2] for row in rows
    ]
