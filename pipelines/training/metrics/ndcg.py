"""Discounted cumulative gain of the first k of a ranking, against the best possible."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def ndcg_at_k(hits: Array, n_held_out: Array, k: int) -> Array:
    """sum over hits of 1 / log2(rank + 1), over the same sum of min(k, n_held_out) hits in front.

    Binary relevance (Järvelin & Kekäläinen 2002).
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ranked = hits[:, :k]
    gain = ranked @ discounts[: ranked.shape[1]]
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(k, n_held_out)]
    ndcg: Array = np.divide(gain, ideal, out=np.full(len(hits), np.nan), where=ideal > 0)
    return ndcg
