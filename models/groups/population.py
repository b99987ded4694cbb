"""How usual each user is in a population of users. Neither the signals nor the groups."""

import numpy as np
from scipy.special import gammaln
from scipy.stats import norm, rankdata

from models.groups.signals import Array

TAIL = 5.0
"""Degrees of freedom: heavy tails, so that lone oddities look like no group."""
RIDGE = 1e-3
"""Added to variances, so that a signal that never varies divides nothing by zero."""


def normal_scores(values: Array) -> Array:
    """Each column by its ranks as a normal one, ties alike: no long tail decides anything."""
    ranks = rankdata(values, axis=0)
    scores: Array = norm.ppf((ranks - 0.5) / len(values))
    return scores


def beside_others(scores: Array, users: Array, there: Array) -> Array:
    """Those who agree on an item beside those who do not: (b, k, n_signals), so turned and scaled
    that the others have mean 0 and unit covariance.

    scores (n_users, n_signals); users (b, k), of whom only those `there` (b, k) agree.
    The population is without those of whom some may be a group: many alike would make themselves
    usual.
    """
    n_users, d = scores.shape
    own = scores[users] * there[:, :, None]
    n_others = np.maximum(n_users - there.sum(axis=1), 1)[:, None]
    means = (scores.sum(axis=0) - own.sum(axis=1)) / n_others  # (b, d)
    squares = scores.T @ scores - own.transpose(0, 2, 1) @ own
    outer = means[:, :, None] * means[:, None, :]
    covariance = squares / n_others[:, :, None] - outer + RIDGE * np.eye(d)
    variances, directions = np.linalg.eigh(covariance)
    turn = directions / np.sqrt(np.maximum(variances, RIDGE))[:, None, :]
    white: Array = (scores[users] - means[:, None, :]) @ turn
    return white


def log_density(z: Array) -> Array:
    """How usual each user (..., n_signals) is: (...), multivariate t of unit covariance."""
    d = z.shape[-1]
    scale = (TAIL - 2) / TAIL
    constant = gammaln((TAIL + d) / 2) - gammaln(TAIL / 2) - d / 2 * np.log(TAIL * np.pi * scale)
    distance = np.square(z).sum(axis=-1)
    density: Array = constant - (TAIL + d) / 2 * np.log1p(distance / (TAIL * scale))
    return density
