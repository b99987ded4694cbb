"""Interactions as a matrix of users x items. Not their storage, and never a dense matrix."""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, get_args

import numpy as np
import torch
from scipy import sparse
from sqlalchemy.orm import Session

from models.errors import choice_error
from models.rows import Csr as Csr
from models.rows import SparseRows
from models.rows import to_rows as to_rows
from pipelines.data.vocabulary import Vocabulary
from pipelines.data.weighting import Values
from pipelines.storage import interactions as stored
from pipelines.storage.images import imaged_keys


@dataclass(frozen=True)
class DataConfig:
    """Which interactions count as positive."""

    actions: tuple[str, ...] = ()
    """Only these actions; empty means all."""
    above: float = 0.0
    """Only interactions whose weight is above this: 3.5 takes ratings from 4."""
    values: Values = "binary"
    """What the network reads of them: `binary`, that they were; `log` or `bm25`, how much of them
    there was (play counts); `rating`, the last weight itself.
    """

    leave_out_suspects: bool = False
    """Whether users in suspect groups teach nothing; see `pipelines/watch/trusted.py`."""

    def __post_init__(self) -> None:
        if self.values not in get_args(Values):
            raise choice_error("values", self.values, get_args(Values))


@dataclass(frozen=True)
class InteractionMatrix:
    """Who has what: x (n_users, n_items), 1 where a user has an item, or how much of it.

    Rows and columns are in the order of their ids, so that equal data give an equal matrix
    whatever the order in which they arrived.
    """

    x: Csr
    user_ids: tuple[str, ...]
    vocabulary: Vocabulary
    values: Values = "binary"
    """What a network is to read of them; x holds ones for `binary`, weights for all others."""

    def digest(self) -> str:
        """sha256 over ids and entries: equal when, and only when, the data are."""
        sha = hashlib.sha256()
        for ids in (self.user_ids, self.vocabulary.item_ids):
            sha.update("\n".join(ids).encode() + b"\0")
        for part in (self.x.indptr, self.x.indices):
            sha.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
        if self.values != "binary":
            sha.update(np.ascontiguousarray(self.x.data, dtype=np.float32).tobytes())
        return sha.hexdigest()


def read_interactions(session: Session, config: DataConfig) -> InteractionMatrix:
    """The matrix of all positive interactions: every item has a column, also one that nobody has,
    unless it has an image to be known by; users without any are left out.
    """
    user_keys, item_keys, weights = array("q"), array("q"), array("f")
    for rows in stored.read_columns(session, actions=config.actions or None, above=config.above):
        user_keys.extend(map(itemgetter(0), rows))
        item_keys.extend(map(itemgetter(1), rows))
        weights.extend(map(itemgetter(2), rows))
    users, items = stored.user_ids(session), stored.item_ids(session)
    user_ids, user_nums = _number(user_keys, {key: users[key] for key in set(user_keys)})
    for key in imaged_keys(session).difference(item_keys):
        del items[key]
    item_ids, item_nums = _number(item_keys, items)
    held = np.frombuffer(weights, dtype=np.float32)
    return matrix_of(user_ids, user_nums, item_ids, item_nums, weights=held, values=config.values)


def matrix_of(
    user_ids: tuple[str, ...],
    user_nums: np.ndarray[Any, Any],
    item_ids: tuple[str, ...],
    item_nums: np.ndarray[Any, Any],
    *,
    weights: np.ndarray[Any, Any] | None = None,
    values: Values = "binary",
) -> InteractionMatrix:
    """The matrix of the pairs (user_num, item_num). A repeated pair counts once: as a 1, by its
    last weight if `rating`, by the sum of its weights otherwise.
    """
    data = np.ones(len(user_nums), dtype=np.float32) if weights is None else weights
    if values == "rating":
        # Of each pair the last: np.unique finds the first, so they are laid out from the end.
        pairs = user_nums.astype(np.int64) * max(len(item_ids), 1) + item_nums
        kept = len(pairs) - 1 - np.unique(pairs[::-1], return_index=True)[1]
        user_nums, item_nums, data = user_nums[kept], item_nums[kept], data[kept]
    shape = (len(user_ids), len(item_ids))
    x = sparse.csr_array((data.astype(np.float32), (user_nums, item_nums)), shape=shape)
    x.sum_duplicates()
    if values == "binary":
        x.data[:] = 1
    return InteractionMatrix(x, user_ids, Vocabulary(item_ids), values)


def _number(keys: "array[int]", ids: dict[int, str]) -> tuple[tuple[str, ...], Any]:
    """The ids in order, and for each SQL key the place of its id among them."""
    by_id = sorted(ids, key=ids.__getitem__)
    place = np.zeros(max(by_id, default=0) + 1, dtype=np.int32)
    place[by_id] = np.arange(len(by_id))
    return tuple(ids[key] for key in by_id), place[np.frombuffer(keys, dtype=np.int64)]


def rows_of(histories: Sequence[list[int]], n_items: int) -> SparseRows:
    """A row for each history, with a 1 at each of its distinct item numbers."""
    lengths = torch.tensor([0, *(len(item_nums) for item_nums in histories)])
    indices = torch.tensor([num for item_nums in histories for num in item_nums]).long()
    return SparseRows(lengths.cumsum(0), indices, torch.ones(len(indices)), n_items)


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
