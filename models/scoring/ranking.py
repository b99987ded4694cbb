"""The best n of a row of scores. Not what the scores mean."""

import torch
from torch import Tensor

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
