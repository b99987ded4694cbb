"""Recall of the first k of a ranking, with the denominator of Liang et al. 2018."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def recall_at_k(hits: Array, n_held_out: Array, k: int) -> Array:
    """Hits among the first k / min(k, n_held_out): 1 is reachable for every user."""
    found = hits[:, :k].sum(axis=1)
    possible = np.minimum(k, n_held_out)
    recall: Array = np.divide(found, possible, out=np.full(len(hits), np.nan), where=possible > 0)
    return recall
