"""How well a scorer ranks what was held out. Not whether that is good enough: see `gate.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.autoencoders.base import Network
from models.devices import anywhere
from models.rows import SparseRows
from models.scoring.ranking import best_items, mask
from pipelines.data.interactions import Csr, to_rows
from pipelines.data.splits import HeldOut
from pipelines.training.metrics.ndcg import ndcg_at_k
from pipelines.training.metrics.recall import recall_at_k

Array = np.ndarray[Any, Any]
Scorer = Callable[[SparseRows], Tensor]
"""Scores (batch, n_items) of fold-in rows."""

METRICS: dict[str, tuple[Callable[[Array, Array, int], Array], int]] = {
    "recall@20": (recall_at_k, 20),
    "recall@50": (recall_at_k, 50),
    "ndcg@20": (ndcg_at_k, 20),
    "ndcg@100": (ndcg_at_k, 100),
}
HEADLINE = "ndcg@100"
"""The metric that stops training and decides at the gate."""
RMSE = "rmse"
"""The one metric of ratings, in place of all above; the one of which less is better."""
SCORES_AT_ONCE = 4_000_000
"""Entries of one batch of scores: bounds memory at 16 MB, whatever the catalogue."""


@dataclass(frozen=True)
class Evaluation:
    """Each metric's value for each held-out user, (n_users,); NaN where nothing was held out."""

    per_user: dict[str, Array]

    @property
    def headline(self) -> str:
        """The metric that decides."""
        return RMSE if RMSE in self.per_user else HEADLINE

    def mean(self, metric: str) -> float:
        return float(np.nanmean(self.per_user[metric]))

    def standard_error(self, metric: str) -> float:
        return standard_error(self.per_user[metric])

    def summary(self) -> dict[str, dict[str, float | None]]:
        """Mean and standard error of each metric; None where there are too few users for one."""
        return {
            name: {"mean": _or_none(self.mean(name)), "se": _or_none(self.standard_error(name))}
            for name in self.per_user
        }


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None


def standard_error(values: Array) -> float:
    """Standard error of the mean of the values that are not NaN; infinite for fewer than two."""
    n = int(np.isfinite(values).sum())
    return float(np.nanstd(values, ddof=1) / np.sqrt(n)) if n > 1 else float("inf")


def evaluate(scorer: Scorer, users: HeldOut) -> Evaluation:
    """Rank all items but the folded-in ones for each user, and judge by the held-out ones."""
    depth = max(k for _, k in METRICS.values())
    item_nums = torch.from_numpy(ranked(scorer, users.fold_in, depth))
    hits = [
        _hits(item_nums[start:end], users.held_out[start:end])
        for start, end in _batches(users.fold_in)
    ]
    n_held_out = np.diff(users.held_out.indptr)
    stacked = np.concatenate(hits)
    return Evaluation({name: f(stacked, n_held_out, k) for name, (f, k) in METRICS.items()})


def ranked(scorer: Scorer, fold_in: Csr, depth: int) -> Array:
    """The items of the first ranks without those folded in, (n_users, min(depth, n_items))."""
    found = []
    with torch.inference_mode():
        for start, end in _batches(fold_in):
            seen = to_rows(fold_in[start:end])
            found.append(best_items(mask(scorer(seen), seen), depth))
    item_nums: Array = torch.cat(found).numpy()
    return item_nums


def _hits(item_nums: Tensor, held_out: Csr) -> Array:
    """Whether each of the ranks is held out, of the shape of the item numbers."""
    wanted = to_rows(held_out)
    relevant = torch.zeros(len(wanted), wanted.n_items, dtype=torch.bool)
    relevant[wanted.row_nums, wanted.indices] = True
    hits: Array = relevant.gather(1, item_nums).numpy()
    return hits


def _batches(x: Csr) -> list[tuple[int, int]]:
    """From which row to which scores are computed at once."""
    n_users, n_items = x.shape
    size = max(1, SCORES_AT_ONCE // max(n_items, 1))
    return [(start, min(start + size, n_users)) for start in range(0, n_users, size)]


def network_scorer(network: Network) -> Scorer:
    """Rank by the network's logits."""
    return anywhere(network, network.logits)


def popularity_scorer(train: Csr) -> Scorer:
    """Rank by how many training users have the item: the same for every user."""
    counts = torch.from_numpy(np.bincount(train.indices, minlength=train.shape[1])).float()
    return lambda rows: counts.repeat(len(rows), 1)
