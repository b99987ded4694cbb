"""The best n of a row of scores. Not what the scores mean."""

import numpy as np
import torch
from torch import Tensor

from models.precision import widened
from models.rows import SparseRows

NUMBERED = 1 << 16
"""Items whose numbers fit beside a score of bfloat16 into one whole number of 32 bits."""


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
    if scores.dtype == torch.bfloat16 and scores.shape[1] <= NUMBERED:
        return _best_of_keys(scores, n)
    scores = widened(scores)
    parted = np.argpartition(scores.numpy(), scores.shape[1] - n, axis=1)[:, scores.shape[1] - n :]
    item_nums = torch.from_numpy(parted)
    order = scores.gather(1, item_nums).argsort(dim=1, descending=True, stable=True)
    return item_nums.gather(1, order)


def _best_of_keys(scores: Tensor, n: int) -> Tensor:
    """Those of scores in bfloat16. The bits of a score, turned over where it is negative, are in
    the order of scores; with the item below them, whole numbers are parted and sorted alone.
    """
    bits = scores.view(torch.int16).numpy()
    keys = (bits ^ ((bits >> 15) & 0x7FFF)).astype(np.int32)
    keys <<= 16
    keys |= np.arange(scores.shape[1], dtype=np.int32)[::-1]  # of equal ones the first is higher
    keys.partition(scores.shape[1] - n, axis=1)
    best = np.sort(keys[:, scores.shape[1] - n :], axis=1)[:, ::-1]
    return torch.from_numpy(scores.shape[1] - 1 - (best & (NUMBERED - 1)).astype(np.int64))
