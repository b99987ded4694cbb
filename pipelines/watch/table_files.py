"""Tables of rows read from CSV, Parquet and JSON, each also in gzip. Not what is learned of them.

What cannot be read of one row is a problem of that row; the others are read.
"""

import gzip
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

import numpy as np

from models.detectors.cells import RowProblem
from pipelines.data.content import GZIP_MAGIC
from pipelines.data.formats.base import BadRow
from pipelines.data.formats.csv_records import numbered_records, split_cells, split_header
from pipelines.data.formats.lines import BYTE_ORDER_MARK, numbered_lines, without_blanks
from pipelines.data.formats.parquet import MAGIC
from pipelines.errors import InvalidInput
from pipelines.watch.row_table import (
    MAX_ROWS,
    Kinds,
    Reader,
    RowTable,
    check_names,
    check_size,
    column_of,
)
from pipelines.watch.table_cells import typed
from pipelines.watch.table_parquet import read_parquet

MAX_BYTES: Final = 50_000_000
"""Of a file as it is sent."""
MAX_UNPACKED: Final = 200_000_000
"""Of a file that was in gzip."""


def read_table(stream: IO[bytes], *, called: str, kinds: Kinds | None = None) -> RowTable:
    """The table that a file holds, whatever its format: it is told by its beginning.

    kinds: what its columns hold, where that is known. Raises InvalidInput.
    """
    content = stream.read(MAX_BYTES + 1)
    _check_bytes(content, MAX_BYTES, called)
    if content.startswith(GZIP_MAGIC):
        content = _unpacked(content, called)
    return _reader_of(content)(content, called, kinds or {})


def table_of_rows(
    rows: Sequence[Any], *, called: str = "`rows`", names: Sequence[str] | None = None
) -> RowTable:
    """The table of JSON objects. All rows have the columns `names`, or those of the first row.

    A row that lacks one, or has another, is a problem: a missing value is sent as null.
    """
    if not rows:
        raise InvalidInput(f"There are no rows in {called}; send at least one.")
    first = rows[0]
    if names is None:
        names = list(first) if isinstance(first, Mapping) else []
    check_size(len(rows), len(names), called=called)
    check_names(names, called=called)
    problems = [_row_problem(num, row, names) for num, row in enumerate(rows)]
    good = [num for num, problem in enumerate(problems) if problem is None]
    columns = {name: column_of([rows[num][name] for num in good]) for name in names}
    told = tuple(problem for problem in problems if problem is not None)
    return RowTable(columns, np.array(good, dtype=np.int64), told)


def _row_problem(num: int, row: Any, names: Sequence[str]) -> RowProblem | None:
    if not isinstance(row, Mapping):
        return RowProblem(num, None, "The row is not a JSON object.")
    for name in names:
        if name not in row:
            return RowProblem(num, name, f"The row has no {name}; send null where it is missing.")
        value = row[name]
        if not (value is None or isinstance(value, bool | int | float | str)):
            detail = f"{name} is a list or an object; send a number, a string, true, false or null."
            return RowProblem(num, name, detail)
    if len(row) > len(names):
        name = next(name for name in row if name not in names)
        return RowProblem(num, name, f"There is no column {name!r}; leave it out.")
    return None


def _check_bytes(content: bytes, limit: int, called: str) -> None:
    if len(content) > limit:
        size = f"There are more than {limit // 1_000_000} MB in {called}"
        raise InvalidInput(f"{size}; send a random sample of its rows.")


def _unpacked(content: bytes, called: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(MAX_UNPACKED + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise InvalidInput(f"The gzip file in {called} is damaged: {error}.") from None
    _check_bytes(unpacked, MAX_UNPACKED, f"{called} when it is unpacked")
    return unpacked


def _reader_of(content: bytes) -> Reader:
    if content.startswith(MAGIC):
        return read_parquet
    start = content[:100].removeprefix(BYTE_ORDER_MARK).lstrip()[:1]
    return _read_json if start in (b"{", b"[") else _read_csv


def _read_json(content: bytes, called: str, kinds: Kinds) -> RowTable:
    """An array of objects, an object that has such an array as `rows`, or an object a line."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return _read_json_lines(content, called)
    rows = document.get("rows", [document]) if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise InvalidInput(f"What {called} has as `rows` is no array of objects.")
    return table_of_rows(rows, called=called)


def _read_json_lines(content: bytes, called: str) -> RowTable:
    rows: list[Any] = []
    for number, line in without_blanks(numbered_lines(io.BytesIO(content))):
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            detail = f"Neither JSON nor JSON Lines is in {called}: line {number}: {error}."
            raise InvalidInput(detail) from None
    return table_of_rows(rows, called=called)


def _read_csv(content: bytes, called: str, kinds: Kinds) -> RowTable:
    head = content.partition(b"\n")[0].removeprefix(BYTE_ORDER_MARK).rstrip(b"\r")
    names, delimiter = _header(head, called)
    rows: dict[int, list[str]] = {}
    lines: dict[int, int] = {}
    problems = []
    records = numbered_records(io.BytesIO(content), delimiter=delimiter, n_columns=len(names))
    for number, (line, record) in enumerate(records):
        if number >= MAX_ROWS:
            check_size(number + 1, 0, called=called)
        lines[number] = line
        try:
            rows[number] = _cells(record, delimiter, len(names))
        except BadRow as error:
            problems.append(RowProblem(number, None, f"The row {error}."))
    if not lines:
        raise InvalidInput(
            f"There are no rows in {called}: its only line is taken for the names of columns."
        )
    check_size(len(rows), len(names), called=called)
    by_column = zip(*rows.values(), strict=True) if rows else ((),) * len(names)
    columns = {
        name: typed(cells, kinds.get(name)) for name, cells in zip(names, by_column, strict=True)
    }
    return RowTable(columns, np.array(list(rows), dtype=np.int64), tuple(problems), lines)


def _header(head: bytes, called: str) -> tuple[list[str], str]:
    """The names of the columns, and what stands between them. Raises InvalidInput."""
    try:
        text = head.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"The text in {called} is not UTF-8; save it as CSV in UTF-8.") from None
    if "\0" in text or not text.strip():
        raise InvalidInput(f"There is {'no text' if text.strip() else 'nothing'} in {called}.")
    names, delimiter = split_header(text)
    check_names(names, called=called)
    if not isinstance(typed(names, None), list):
        raise InvalidInput(f"The first line of {called} holds numbers; it must name the columns.")
    return names, delimiter


def _cells(record: bytes, delimiter: str, n_columns: int) -> list[str]:
    cells = split_cells(record, delimiter)
    if len(cells) != n_columns:
        raise BadRow(f"has {len(cells)} cells where the header has {n_columns}")
    return cells
