"""Interactions straight from files into a matrix: benchmarks need no database."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pipelines.data.formats.base import Columns, ReadOptions
from pipelines.data.import_source import locate
from pipelines.data.interactions import Csr, InteractionMatrix, matrix_of
from pipelines.data.vocabulary import Vocabulary
from pipelines.data.weighting import Values
from pipelines.errors import InvalidInput
from pipelines.storage.items import NewItem


def read_matrix(path: Path, values: Values = "binary") -> InteractionMatrix:
    """The matrix of a file or folder that `hourglass import` knows; weights above 0 count.

    A folder with `train.txt` and `test.txt` is both together. Items that are described beside the
    interactions have a column, also when nobody has them.
    """
    parts = [path / "train.txt", path / "test.txt"]
    sources = parts if all(part.is_file() for part in parts) else [path]
    triples = [triple for source in sources for triple in _triples(source)]
    user_ids = sorted({user_id for user_id, _, _ in triples})
    described = {item_id for source in sources for item_id in _described(source)}
    item_ids = sorted(described | {item_id for _, item_id, _ in triples})
    return _matrix(triples, user_ids, item_ids, values)


def read_parts(folder: Path) -> tuple[Vocabulary, Csr, Csr]:
    """The items, and who has what in `train.txt` and in `test.txt`, the same users in both.

    Raises InvalidInput without those files.
    """
    paths = [folder / "train.txt", folder / "test.txt"]
    for path in paths:
        if not path.is_file():
            raise InvalidInput(f"The weak protocol reads {path}, and there is no such file.")
    train, test = (list(_triples(path)) for path in paths)
    user_ids = sorted({user_id for user_id, _, _ in train + test})
    item_ids = sorted({item_id for _, item_id, _ in train + test})
    matrices = [_matrix(part, user_ids, item_ids, "binary") for part in (train, test)]
    return matrices[0].vocabulary, matrices[0].x, matrices[1].x


Triple = tuple[str, str, float]
"""user_id, item_id and weight."""


def _matrix(
    triples: Sequence[Triple], user_ids: Sequence[str], item_ids: Sequence[str], values: Values
) -> InteractionMatrix:
    user_nums = {user_id: num for num, user_id in enumerate(user_ids)}
    item_nums = {item_id: num for num, item_id in enumerate(item_ids)}
    return matrix_of(
        tuple(user_ids),
        np.array([user_nums[user_id] for user_id, _, _ in triples]),
        tuple(item_ids),
        np.array([item_nums[item_id] for _, item_id, _ in triples]),
        weights=np.array([weight for _, _, weight in triples], dtype=np.float32),
        values=values,
    )


def _triples(path: Path) -> Iterator[Triple]:
    source = locate(path, columns=Columns())
    options = ReadOptions(head=source.head, now=datetime.now(UTC))
    with source.open() as opened:
        for chunk in source.format.read(opened.stream, options).chunks:
            for row in chunk.rows:
                if row.weight > 0:
                    yield row.user_id, row.item_id, row.weight


def _described(path: Path) -> set[str]:
    described = locate(path, columns=Columns()).describe()
    return {item.item_id for item in described if isinstance(item, NewItem)}
