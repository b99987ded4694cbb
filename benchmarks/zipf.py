"""Made-up histories of any size: items of a Zipf law, users of a few to hundreds of items."""

from typing import Any

import numpy as np
from scipy import sparse

Csr = sparse.csr_array[Any, Any]

EXPONENT = 0.9
"""An item's chance is its rank to the power of minus this."""
SPREAD = 0.9
"""Deviation of the logarithm of the lengths of users' histories."""


def histories(n_users: int, n_items: int, n_draws: int, seed: int) -> Csr:
    """Ones (n_users, n_items); a little fewer than n_draws, as an item drawn twice counts once."""
    rng = np.random.default_rng(seed)
    lengths = rng.lognormal(sigma=SPREAD, size=n_users)
    lengths = np.maximum(lengths * (n_draws / lengths.sum()), 1).astype(np.int64)
    lengths = np.minimum(lengths, n_items // 2)
    chances = np.arange(1, n_items + 1) ** -EXPONENT
    edges = np.cumsum(chances / chances.sum())
    drawn = np.searchsorted(edges, rng.random(lengths.sum())).astype(np.int32)
    np.minimum(drawn, n_items - 1, out=drawn)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    x = sparse.csr_array(
        (np.ones(len(drawn), dtype=np.float32), drawn, offsets), shape=(n_users, n_items)
    )
    x.sum_duplicates()
    x.data[:] = 1
    return x
