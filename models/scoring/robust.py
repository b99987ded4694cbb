"""How far a history is from most others by a few simple features, before any network is trained.

Each feature's distance from the median in median absolute deviations (Leys et al. 2013, "Detecting
outliers"), squared and added: what a detector has to beat.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.rows import SparseRows
from models.scoring.usual import NORMAL

FEATURES = ("log_length", "mean_log_popularity", "share_of_own_items")
"""log(1 + number of items), mean of log(1 + other users who have the item), share of items that no
other user has.
"""
LEAST = 0.1
"""A deviation at least: where most have the same, others are not infinitely far."""


@dataclass(frozen=True)
class Robust:
    """Medians and deviations of the features, (n_features,) each, and the scores (n,), sorted, of
    the histories they are of.
    """

    medians: Tensor
    deviations: Tensor
    calibration: Tensor

    def errors(self, features: Tensor) -> Tensor:
        """What each feature adds to the score, (batch, n_features), float64."""
        return ((features - self.medians) / self.deviations).square()


def features_of(x: SparseRows, others: Tensor) -> Tensor:
    """The features of rows, (batch, n_features) float64; others (nnz,): how many other users have
    the item of each entry.
    """
    lengths = x.lengths.double()
    sums = torch.zeros(len(x), 2, dtype=torch.float64)
    each = torch.stack([torch.log1p(others.double()), (others == 0).double()], dim=1)
    means = sums.index_add_(0, x.row_nums, each) / lengths.clamp_min(1)[:, None]
    return torch.cat([torch.log1p(lengths)[:, None], means], dim=1)


def fit_robust(features: Tensor) -> Robust:
    """From the features of some histories, (n, n_features); with none, everything is usual."""
    if not len(features):
        zeros = torch.zeros(features.shape[1], dtype=torch.float64)
        return Robust(zeros, torch.full_like(zeros, torch.inf), zeros[:0])
    medians = features.median(dim=0).values
    deviations = NORMAL * (features - medians).abs().median(dim=0).values
    unscored = Robust(medians, deviations.clamp_min(LEAST), features[:0, 0])
    scores = unscored.errors(features).sum(dim=1).sort().values
    return Robust(unscored.medians, unscored.deviations, scores)
