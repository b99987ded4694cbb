"""Interactions as a matrix of users x items. Not their storage, and never a dense matrix."""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sqlalchemy.orm import Session

from models.rows import SparseRows
from pipelines.data.vocabulary import Vocabulary
from pipelines.storage import interactions as stored

Csr = sparse.csr_array[Any, Any]


@dataclass(frozen=True)
class DataConfig:
    """Which interactions count as positive."""

    actions: tuple[str, ...] = ()
    """Only these actions; empty means all."""
    above: float = 0.0
    """Only interactions whose weight is above this: 3.5 takes ratings from 4."""


@dataclass(frozen=True)
class InteractionMatrix:
    """Who has what: x (n_users, n_items), 1 where a user has an item.

    Rows and columns are in the order of their ids, so that equal data give an equal matrix
    whatever the order in which they arrived.
    """

    x: Csr
    user_ids: tuple[str, ...]
    vocabulary: Vocabulary

    def digest(self) -> str:
        """sha256 over ids and entries: equal when, and only when, the data are."""
        sha = hashlib.sha256()
        for ids in (self.user_ids, self.vocabulary.item_ids):
            sha.update("\n".join(ids).encode() + b"\0")
        for part in (self.x.indptr, self.x.indices):
            sha.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
        return sha.hexdigest()


def read_interactions(session: Session, config: DataConfig) -> InteractionMatrix:
    """The matrix of all positive interactions: every item has a column, also one that nobody has;
    users without any are left out.
    """
    user_keys, item_keys = array("q"), array("q")
    for rows in stored.read_columns(session, actions=config.actions or None, above=config.above):
        user_keys.extend(row[0] for row in rows)
        item_keys.extend(row[1] for row in rows)
    users, items = stored.user_ids(session), stored.item_ids(session)
    user_ids, user_nums = _number(user_keys, {key: users[key] for key in set(user_keys)})
    item_ids, item_nums = _number(item_keys, items)
    return matrix_of(user_ids, user_nums, item_ids, item_nums)


def matrix_of(
    user_ids: tuple[str, ...],
    user_nums: np.ndarray[Any, Any],
    item_ids: tuple[str, ...],
    item_nums: np.ndarray[Any, Any],
) -> InteractionMatrix:
    """The matrix with a 1 at each (user_num, item_num); a repeated pair counts once."""
    ones = np.ones(len(user_nums), dtype=np.float32)
    shape = (len(user_ids), len(item_ids))
    x = sparse.csr_array((ones, (user_nums, item_nums)), shape=shape)
    x.sum_duplicates()
    x.data[:] = 1
    return InteractionMatrix(x, user_ids, Vocabulary(item_ids))


def _number(keys: "array[int]", ids: dict[int, str]) -> tuple[tuple[str, ...], Any]:
    """The ids in order, and for each SQL key the place of its id among them."""
    by_id = sorted(ids, key=ids.__getitem__)
    place = np.zeros(max(by_id, default=0) + 1, dtype=np.int64)
    place[by_id] = np.arange(len(by_id))
    return tuple(ids[key] for key in by_id), place[np.frombuffer(keys, dtype=np.int64)]


def to_rows(x: Csr) -> SparseRows:
    """The rows of a matrix as tensors that share no memory with it."""
    return SparseRows(
        torch.from_numpy(x.indptr.astype(np.int64)),
        torch.from_numpy(x.indices.astype(np.int64)),
        torch.from_numpy(x.data.astype(np.float32)),
        int(x.shape[1]),
    )


def row_of(item_nums: list[int], n_items: int) -> SparseRows:
    """One row with a 1 at each of the distinct item numbers."""
    indices = torch.tensor(item_nums, dtype=torch.int64)
    offsets = torch.tensor([0, len(item_nums)])
    return SparseRows(offsets, indices, torch.ones(len(item_nums)), n_items)


def batches(
    x: Csr, batch_size: int, generator: torch.Generator | None = None
) -> Iterator[SparseRows]:
    """All rows in batches, the last as small as it comes; shuffled when a generator is given."""
    n_rows = int(x.shape[0])
    order = torch.arange(n_rows) if generator is None else _shuffled(n_rows, generator)
    for chosen in torch.split(order, batch_size):
        yield to_rows(x[chosen.numpy()])


def _shuffled(n: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randperm(n, generator=generator)
