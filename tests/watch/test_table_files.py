"""Tables read from CSV, Parquet and JSON: what is in them, and what is wrong with which row."""

import gzip
import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import InvalidInput
from pipelines.watch.row_table import RowTable, digest_of, pack, unpack
from pipelines.watch.table_files import read_table, table_of_rows

CSV = b"height;plan;city\n171;free;Bern\n168,5;paid;\n;free;Rome\n"


def read(content: bytes) -> RowTable:
    return read_table(io.BytesIO(content), called="people.csv")


def cells(table: RowTable) -> dict[str, list[Any]]:
    """Columns as plain lists, None where a value is missing."""
    return {
        name: [None if value != value else value for value in list(column)]
        for name, column in table.columns.items()
    }


def parquet(columns: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def test_columns_of_csv_are_numbers_or_words() -> None:
    table = read(b"height,plan,shoe\n171,free,NA\n168.5,paid,43\n,free,44\n")
    assert cells(table) == {
        "height": [171.0, 168.5, None],
        "plan": ["free", "paid", "free"],
        "shoe": [None, 43.0, 44.0],
    }
    assert isinstance(table.columns["height"], np.ndarray)


def test_text_among_numbers_stays_for_the_detector_to_refuse() -> None:
    assert cells(read(b"height,x\n171,1\n1_0,2\ntall,3\n160,4\n150,5\n"))["height"] == [
        *(171.0, "1_0", "tall", 160.0, 150.0),
    ]


def test_a_row_of_other_length_is_a_problem_of_that_row() -> None:
    table = read(b"a,b\n1,2\n3\n5,6\n")
    assert (table.numbers.tolist(), table.lines) == ([0, 2], {0: 2, 1: 3, 2: 4})
    assert [(each.row, each.detail) for each in table.problems] == [
        (1, "The row has 1 cells where the header has 2.")
    ]


def test_the_same_rows_are_the_same_table_whatever_the_format() -> None:
    rows = [{"a": 1.5, "b": "x"}, {"a": None, "b": "y"}, {"a": 3, "b": None}]
    as_csv = read(b"a,b\n1.5,x\n,y\n3,\n")
    as_parquet = read(parquet({"a": [1.5, None, 3.0], "b": ["x", "y", None]}))
    as_lines = read(b'{"a": 1.5, "b": "x"}\n{"a": null, "b": "y"}\n{"a": 3, "b": null}\n')
    packed = {pack(each) for each in (table_of_rows(rows), as_csv, as_parquet, as_lines)}
    assert len(packed) == 1
    assert len({digest_of(each) for each in packed}) == 1
    assert cells(unpack(packed.pop())) == cells(as_csv)


def test_gzip_is_unpacked_and_its_damage_named() -> None:
    packed = gzip.compress(b"a,b\n1,2\n")
    assert cells(read(packed)) == {"a": [1.0], "b": [2.0]}
    with pytest.raises(InvalidInput, match=r"gzip file in people\.csv is damaged"):
        read(packed[:-6])


def test_times_and_categories_of_parquet() -> None:
    when = pa.array([0, 1_500_000, None], pa.timestamp("us"))
    plan = pa.array(["free", None, "paid"]).dictionary_encode()
    table = read(parquet({"when": when, "plan": plan, "paid": [True, False, None]}))
    assert cells(table) == {
        "when": [0.0, 1.5, None],
        "plan": ["free", None, "paid"],
        "paid": [True, False, None],
    }
    with pytest.raises(InvalidInput, match=r"'list' of people\.csv is of the type list"):
        read(parquet({"list": [[1], [2]]}))


def test_rows_of_json_have_the_columns_of_the_first() -> None:
    rows = [{"a": 1}, {"a": 2, "b": 3}, {}, [], {"a": {}}, {"a": "x"}]
    table = table_of_rows(rows)
    assert table.numbers.tolist() == [0, 5]
    assert [(each.row, each.column) for each in table.problems] == [
        (1, "b"),
        (2, "a"),
        (3, None),
        (4, "a"),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "nothing in people.csv"),
        (b"a,a\n1,2\n", "Two columns of people.csv are called 'a'"),
        (b"a,,c\n1,2,3\n", "Column 2 of people.csv has no name"),
        (b"1,2\n3,4\n", "must name the columns"),
        (b"\xff\xfe,b\n", "not UTF-8"),
        (b"\x00\x00\n", "no text"),
        (b'{"a": 1}\n{"a": \n', "line 2"),
        (b"nonsense", "no rows in people.csv: its only line"),
        (b"[]", "no rows in people.csv; send at least one"),
        (b"PAR1 and nothing else", "Parquet file in people.csv cannot be read"),
        (b"a\n" + b"1\n" * 100_001, "100,001 rows in people.csv; at most 100,000"),
        (",".join(f"c{num}" for num in range(501)).encode() + b"\n", "501 columns"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(content: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read(content)
