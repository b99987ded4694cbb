"""The best n of a row of scores. Not what the scores mean."""

import numpy as np
import torch
from torch import Tensor

from models.precision import widened
from models.rows import SparseRows


def mask(scores: Tensor, excluded: SparseRows) -> Tensor:
    """Set the excluded entries of scores (batch, n_items) to minus infinity, in place."""
    scores[excluded.row_nums, excluded.indices] = -torch.inf
    return scores


def top_n(scores: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The n highest of each row, best first.

    scores (batch, n_items) -> values and item numbers, both (batch, min(n, n_items))

    Masked entries come last, with their value of minus infinity; the caller drops them.
    """
    values, item_nums = torch.topk(scores, min(n, scores.shape[1]), dim=1)
    return values, item_nums


def best_items(scores: Tensor, n: int) -> Tensor:
    """The item numbers of `top_n` alone, for many rows: NumPy parts a row in half the time.

    Which of equal scores comes first, and is among the n, may differ from there.
    """
    n = min(n, scores.shape[1])
    scores = widened(scores)
    parted = np.argpartition(scores.numpy(), scores.shape[1] - n, axis=1)[:, scores.shape[1] - n :]
    item_nums = torch.from_numpy(parted)
    order = scores.gather(1, item_nums).argsort(dim=1, descending=True, stable=True)
    return item_nums.gather(1, order)
