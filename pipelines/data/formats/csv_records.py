"""Records of a delimited file: where each begins, and its cells. Which cell means what is not here.

A record is a line, or several where a quoted cell holds line ends. A quote that is never closed
costs its own line only: the lines after it are read as records of their own.
"""

import csv
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import IO

from pipelines.data.formats.base import BadRow
from pipelines.data.formats.cells import read_text
from pipelines.data.formats.lines import MAX_LINE_BYTES, numbered_lines

DELIMITERS = (",", "\t", ";", "|")
MAX_RECORD_LINES = 1000


def split_cells(record: bytes, delimiter: str) -> list[str]:
    """The cells of a record. Raises BadRow where the quotes are wrong."""
    text = read_text(record)
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BadRow(f"the quotes are wrong: {error}") from None


def split_header(line: str) -> tuple[list[str], str]:
    """The column names of a header line and its delimiter: the one that makes most columns."""
    splits = [(_cells_or_none(line, delimiter), delimiter) for delimiter in DELIMITERS]
    cells, delimiter = max(splits, key=lambda split: len(split[0]))
    return [cell.strip() for cell in cells], delimiter


def numbered_records(
    stream: IO[bytes], *, delimiter: str, n_columns: int
) -> Iterator[tuple[int, bytes]]:
    """Records after the header with the numbers of the lines on which they begin; no blank ones."""
    lines = numbered_lines(stream, skip=1)
    waiting: deque[tuple[int, bytes]] = deque()
    while (numbered := waiting.popleft() if waiting else next(lines, None)) is not None:
        number, line = numbered
        if line.count(b'"') % 2 == 0:
            if line and not line.isspace():
                yield numbered
            continue
        following = _until_closed(chain(_drain(waiting), lines))
        record = b"\n".join([line, *(more for _, more in following)])
        if _n_cells(record, delimiter) == n_columns:
            yield number, record
        else:
            yield numbered
            waiting.extendleft(reversed(following))


def _drain(waiting: deque[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    while waiting:
        yield waiting.popleft()


def _until_closed(lines: Iterator[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    taken = []
    n_bytes = 0
    for numbered in lines:
        taken.append(numbered)
        n_bytes += len(numbered[1])
        too_long = len(taken) == MAX_RECORD_LINES or n_bytes > MAX_LINE_BYTES
        if too_long or numbered[1].count(b'"') % 2:
            break
    return taken


def _n_cells(record: bytes, delimiter: str) -> int:
    try:
        return len(split_cells(record, delimiter))
    except BadRow:
        return 0


def _cells_or_none(line: str, delimiter: str) -> list[str]:
    try:
        return split_cells(line.encode(), delimiter)
    except BadRow:
        return []
