"""Files of embeddings: Parquet, NumPy or JSON Lines, by the ending of their name.

What is in it is decided in `export.py`, where it goes in `export_target.py`.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Chunk:
    """Some ids with their vectors, (n, embedding_dim) float32; of items also the biases, (n,)
    float32, NaN where it is not known.
    """

    ids: list[str]
    vectors: np.ndarray[Any, Any]
    biases: np.ndarray[Any, Any] | None = None


@dataclass(frozen=True)
class Description:
    """What a file says besides: the name of its id column, and whose embeddings they are."""

    id_column: str
    artifact_id: str
    space: str


WriteFile = Callable[[BinaryIO, Description, Iterable[Chunk]], None]


def _write_parquet(file: BinaryIO, description: Description, chunks: Iterable[Chunk]) -> None:
    writer: pq.ParquetWriter | None = None
    for chunk in chunks:
        table = _arrow_table(description, chunk)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is None:
        writer = pq.ParquetWriter(file, _arrow_table(description, _EMPTY).schema)
    writer.close()


def _arrow_table(description: Description, chunk: Chunk) -> pa.Table:
    n, embedding_dim = chunk.vectors.shape
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(chunk.vectors.ravel()), embedding_dim)
    artifact_ids = pa.array([description.artifact_id] * n, pa.string())
    columns = {
        description.id_column: pa.array(chunk.ids, pa.string()),
        "embedding": vectors,
        "artifact_id": artifact_ids.dictionary_encode(),
    }
    if chunk.biases is not None:
        columns["bias"] = pa.array(chunk.biases, pa.float32(), from_pandas=True)
    return pa.table(columns).replace_schema_metadata({"space": description.space})


def _write_npz(file: BinaryIO, description: Description, chunks: Iterable[Chunk]) -> None:
    parts = list(chunks) or [_EMPTY]
    ids = [an_id for part in parts for an_id in part.ids]
    arrays = {
        description.id_column: np.array(ids, dtype=np.str_),
        "embedding": np.concatenate([part.vectors for part in parts]),
        "artifact_id": np.array(description.artifact_id),
        "space": np.array(description.space),
    }
    biases = [part.biases for part in parts if part.biases is not None]
    if biases:
        arrays["bias"] = np.concatenate(biases)
    np.savez(file, allow_pickle=False, **arrays)


def _write_jsonl(file: BinaryIO, description: Description, chunks: Iterable[Chunk]) -> None:
    for chunk in chunks:
        for num, (an_id, vector) in enumerate(zip(chunk.ids, chunk.vectors.tolist(), strict=True)):
            row = {
                description.id_column: an_id,
                "embedding": vector,
                "artifact_id": description.artifact_id,
                "space": description.space,
            }
            if chunk.biases is not None:
                row["bias"] = _or_none(float(chunk.biases[num]))
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _or_none(bias: float) -> float | None:
    return None if math.isnan(bias) else bias


_EMPTY = Chunk([], np.empty((0, 1), dtype=np.float32))

WRITERS: dict[str, WriteFile] = {
    ".parquet": _write_parquet,
    ".npz": _write_npz,
    ".jsonl": _write_jsonl,
}
