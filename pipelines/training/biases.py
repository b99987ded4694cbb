"""Ratings from biases alone: what any network for ratings must beat. Not a network."""

import numpy as np
import torch
from torch import Tensor

from models.rows import SparseRows
from pipelines.data.interactions import Csr
from pipelines.training.evaluate import Scorer

SHRINKAGE = 5.0
"""Ratings at the mean that every user and item starts with."""


def biases_scorer(train: Csr) -> Scorer:
    """mean + b_item + b_user: how far the item, and then the user's own ratings, are from it.

    b_item = sum(r - mean) / (n + 5) over training ratings; b_user likewise over the folded-in
    ratings less mean + b_item (Koren 2009, eq. 2, with one shrinkage).
    """
    mean = float(train.data.mean())
    n_items = int(train.shape[1])
    sums = np.bincount(train.indices, weights=train.data - mean, minlength=n_items)
    counts = np.bincount(train.indices, minlength=n_items)
    expected = torch.from_numpy(mean + sums / (counts + SHRINKAGE)).float()  # (n_items,)

    def score(rows: SparseRows) -> Tensor:
        residuals = rows.values - expected[rows.indices]
        user_sums = torch.zeros(len(rows)).index_add_(0, rows.row_nums, residuals)
        biases = user_sums / (rows.lengths + SHRINKAGE)
        return expected + biases[:, None]

    return score
