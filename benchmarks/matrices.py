"""Interactions straight from files into a matrix: benchmarks need no database."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pipelines.data.formats.base import Columns, ReadOptions
from pipelines.data.import_source import locate
from pipelines.data.interactions import InteractionMatrix, matrix_of
from pipelines.storage.items import NewItem


def read_matrix(path: Path) -> InteractionMatrix:
    """The binary matrix of a file or folder that `hourglass import` knows.

    A folder with `train.txt` and `test.txt` is both together. Items that are described beside the
    interactions have a column, also when nobody has them.
    """
    parts = [path / "train.txt", path / "test.txt"]
    sources = parts if all(part.is_file() for part in parts) else [path]
    pairs = {pair for source in sources for pair in _pairs(source)}
    user_ids = sorted({user_id for user_id, _ in pairs})
    described = {item_id for source in sources for item_id in _described(source)}
    item_ids = sorted(described | {item_id for _, item_id in pairs})
    user_nums = {user_id: num for num, user_id in enumerate(user_ids)}
    item_nums = {item_id: num for num, item_id in enumerate(item_ids)}
    rows = np.array([(user_nums[u], item_nums[i]) for u, i in pairs])
    return matrix_of(tuple(user_ids), rows[:, 0], tuple(item_ids), rows[:, 1])


def _pairs(path: Path) -> set[tuple[str, str]]:
    source = locate(path, columns=Columns())
    options = ReadOptions(head=source.head, now=datetime.now(UTC))
    with source.path.open("rb") as stream:
        return {
            (row.user_id, row.item_id)
            for chunk in source.format.read(stream, options)
            for row in chunk.rows
            if row.weight > 0
        }


def _described(path: Path) -> set[str]:
    source = locate(path, columns=Columns())
    if source.format.describe is None or not source.companions:
        return set()
    described = source.format.describe(source.path.parent)
    return {item.item_id for item in described if isinstance(item, NewItem)}
