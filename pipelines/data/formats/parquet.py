"""Parquet: columns found by the same names as in CSV, read a few thousand rows at a time."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.data.formats.base import Columns, Format, Head, Reading, ReadOptions
from pipelines.data.formats.csv_columns import find_columns
from pipelines.data.formats.named_columns import read_named
from pipelines.errors import InvalidInput

MAGIC = b"PAR1"
BATCH_ROWS = 10_000
READ_BYTES = 1 << 20


def sniff(head: Head) -> bool:
    """Whether it begins as a Parquet file does."""
    return head.data.startswith(MAGIC)


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Interactions, and titles and categories of items; bad rows are numbered from 1.

    A missing time is untimed, a time without a zone UTC. Raises InvalidInput for a file inside
    gzip or zip: its parts cannot be reached there without unpacking all of it.
    """
    if not isinstance(stream, io.BufferedReader):
        raise InvalidInput(
            f"{options.file} is Parquet, which is compressed by itself. Take it out of the gzip "
            "or zip file and import it as it is."
        )
    with _damage_named(options.file):
        file = pq.ParquetFile(stream, buffer_size=READ_BYTES, pre_buffer=False)
    names = file.schema_arrow.names
    columns = Columns(**find_columns(names, options.columns, file=options.file).names(names))
    header = [name for name in vars(columns).values() if name is not None]
    records = enumerate(_rows(file, header, columns.time, options), start=1)
    return read_named(records, _as_it_is, header, replace(options, columns=columns), exact=True)


def _rows(
    file: Any, header: list[str], time: str | None, options: ReadOptions
) -> Iterator[tuple[str, ...]]:
    """Each row as the text of its cells, an empty one where there is no value."""
    with _damage_named(options.file):
        for batch in file.iter_batches(BATCH_ROWS, columns=header, use_threads=False):
            texts = [_texts(batch.column(name), untimed=name == time) for name in header]
            yield from zip(*(text.to_pylist() for text in texts), strict=True)


def _texts(column: Any, *, untimed: bool) -> Any:
    """The column as strings. A list of strings is joined by bars, as categories are in CSV."""
    if pa.types.is_timestamp(column.type):
        zone = column.type.tz or "UTC"
        column = pc.cast(column, pa.timestamp("us", zone), safe=False)
        column = pc.cast(column, pa.timestamp("us", "UTC"))
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = pc.binary_join(column, "|")
    return pc.fill_null(pc.cast(column, pa.string()), "0" if untimed else "")


def _as_it_is(cells: tuple[str, ...]) -> tuple[str, ...]:
    return cells


@contextmanager
def _damage_named(file: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{file} cannot be read as Parquet: {error}") from error


PARQUET = Format(
    name="parquet",
    summary="Parquet with a user and an item column, named as in CSV",
    usual_names=("interactions.parquet",),
    sniff=sniff,
    read=read,
    takes_columns=True,
)
