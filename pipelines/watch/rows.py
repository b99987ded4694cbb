"""The histories of all users as an artifact's network reads them, and which of them to judge.

Not how they are judged: `histories.py`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from models.progress import OnChunk
from models.rows import SparseRows, to_rows
from models.scoring.usual import fit_usual
from pipelines.data.interactions import InteractionMatrix
from pipelines.predictor.predictor import Predictor
from pipelines.watch.config import WatchConfig

BATCH = 64
"""Rows of one quick look."""


@dataclass(frozen=True)
class UserRows:
    """Histories as rows, and whose they are, of n_users with n_entries among whom these were
    chosen.
    """

    user_ids: tuple[str, ...]
    x: SparseRows
    n_users: int
    n_entries: int


def chosen_rows(
    matrix: InteractionMatrix, predictor: Predictor, config: WatchConfig, *, on_chunk: OnChunk
) -> UserRows:
    """Those to judge of the users with a history that the network knows: all.

    With more interactions than are to be judged: half of that number of the users who are
    strangest on a quick look, and half of others, drawn by chance.
    """
    rows = known_rows(matrix, predictor)
    if len(rows.x.indices) <= config.exact_entries:
        return rows
    quick = _quick_scores(predictor, rows.x, on_chunk)
    chance = np.random.default_rng(config.seed).random(len(quick))
    half = config.exact_entries // 2
    suspects = _first(np.argsort(-quick, kind="stable"), rows.x, half)
    others = np.setdiff1d(np.argsort(chance), suspects, assume_unique=True)
    chosen = np.sort(np.concatenate([suspects, _first(others, rows.x, half)]))
    return UserRows(
        tuple(rows.user_ids[num] for num in chosen.tolist()),
        to_rows(_matrix(rows.x)[chosen]),
        rows.n_users,
        rows.n_entries,
    )


def known_rows(matrix: InteractionMatrix, predictor: Predictor) -> UserRows:
    """The rows with the network's columns, weighed; users without any are left out."""
    columns = (predictor.vocabulary.num(item_id) for item_id in matrix.vocabulary.item_ids)
    column_of = np.array([-1 if num is None else num for num in columns], dtype=np.int64)
    coo = matrix.x.tocoo()
    row_nums, item_nums = coo.coords[0], column_of[coo.coords[1]]
    kept = item_nums >= 0
    entries = (coo.data[kept], (row_nums[kept], item_nums[kept]))
    x = sparse.csr_array(entries, shape=(len(matrix.user_ids), len(predictor.vocabulary)))
    holders = np.flatnonzero(np.diff(x.indptr))
    x = predictor.weighting.weigh(x[holders])
    ids = tuple(matrix.user_ids[num] for num in holders.tolist())
    return UserRows(ids, to_rows(x), len(ids), x.nnz)


def _quick_scores(predictor: Predictor, x: SparseRows, on_chunk: OnChunk) -> np.ndarray:
    """How surprising the items of each row are with none left out, beside rows as long."""
    matrix, means = _matrix(x), []
    for start in range(0, len(x), BATCH):
        on_chunk(start, len(x))
        means.append(predictor.quick_surprise(to_rows(matrix[start : start + BATCH])))
    mean = torch.cat(means)
    median, spread = fit_usual(mean, x.lengths).at(x.lengths)
    scores: np.ndarray = ((mean - median) / spread).numpy()
    return scores


def _first(order: np.ndarray, x: SparseRows, n_entries: int) -> np.ndarray:
    """The first rows in that order which together have up to so many entries; one at least."""
    taken = np.cumsum(x.lengths.numpy()[order]) <= n_entries
    taken[:1] = True
    return order[taken]


def _matrix(x: SparseRows) -> "sparse.csr_array":
    arrays = (x.values.numpy(), x.indices.numpy(), x.offsets.numpy())
    return sparse.csr_array(arrays, shape=(len(x), x.n_items))
