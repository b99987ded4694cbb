"""Files of rows with named columns: Parquet, JSON Lines, CSV. Which rows: `export_rows.py`."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.storage.tables import UNTIMED

Rows = Iterable[list[tuple[Any, ...]]]
"""Chunks of rows; a row has a value, or None, for each field of the schema."""
WriteRows = Callable[[BinaryIO, pa.Schema, Rows], None]


def _write_parquet(file: BinaryIO, schema: pa.Schema, chunks: Rows) -> None:
    with pq.ParquetWriter(file, schema) as writer:
        for rows in chunks:
            columns = list(zip(*rows, strict=True)) or [()] * len(schema)
            arrays = [
                pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _write_jsonl(file: BinaryIO, schema: pa.Schema, chunks: Rows) -> None:
    for rows in chunks:
        lines = (
            json.dumps(dict(zip(schema.names, map(_plain, row), strict=True)), ensure_ascii=False)
            for row in rows
        )
        file.write("".join(f"{line}\n" for line in lines).encode())


def _write_csv(file: BinaryIO, schema: pa.Schema, chunks: Rows) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(schema.names)
    for rows in chunks:
        writer.writerows([_cell(value) for value in row] for row in rows)
    text.detach()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _cell(value: Any) -> Any:
    # Of what is written as CSV only a time may be missing, and an import wants every cell filled.
    return _plain(UNTIMED if value is None else value)


WRITERS: dict[str, WriteRows] = {
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
}
