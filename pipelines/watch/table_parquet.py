"""Tables of rows read from Parquet: numbers, words, truth values and times. Not nested columns."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.errors import InvalidInput
from pipelines.watch.row_table import Column, Kinds, RowTable, check_names, check_size

MAX_UNPACKED = 400_000_000
"""Bytes of all columns without their compression."""
_AS_THEY_ARE = (
    pa.types.is_boolean,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_null,
)


def read_parquet(content: bytes, called: str, kinds: Kinds) -> RowTable:
    """The table. Times become seconds since 1970. Raises InvalidInput."""
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        names = file.schema_arrow.names
        check_names(names, called=called)
        check_size(file.metadata.num_rows, len(names), called=called)
        _check_unpacked(file.metadata, called)
        table = file.read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"The Parquet file in {called} cannot be read: {error}") from None
    columns = {name: _column(name, table.column(name), called) for name in names}
    return RowTable(columns, np.arange(table.num_rows))


def _check_unpacked(metadata: Any, called: str) -> None:
    groups = [metadata.row_group(num).total_byte_size for num in range(metadata.num_row_groups)]
    if sum(groups) > MAX_UNPACKED:
        size = f"There are more than {MAX_UNPACKED // 1_000_000} MB in {called} when it is unpacked"
        raise InvalidInput(f"{size}; send fewer rows.")


def _column(name: str, column: Any, called: str) -> Column:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = pc.cast(column, kind.value_type)
        kind = kind.value_type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        moments = pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.int64())
        return _numbers(pc.divide(pc.cast(moments, pa.float64(), safe=False), 1e6))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(pc.cast(column, pa.float64(), safe=False))
    if any(of_kind(kind) for of_kind in _AS_THEY_ARE):
        cells: list[Any] = column.to_pylist()
        return cells
    raise InvalidInput(
        f"Column {name!r} of {called} is of the type {kind}; a column must hold numbers, words, "
        "truth values or times. Leave it out, or take it apart."
    )


def _numbers(column: Any) -> Column:
    """As float64, NaN where there is none."""
    numbers: Column = column.to_numpy().astype(np.float64)
    return numbers
