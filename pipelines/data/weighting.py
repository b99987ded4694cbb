"""What a network reads of an interaction: that it was, how much of it there was, or a rating.

Learned from the training rows, and kept with the artifact, so that a history in a request is read
by the very same rule. Not which interactions count: that is `DataConfig`.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse

Array = np.ndarray[Any, Any]
Csr = sparse.csr_array[Any, Any]
Values = Literal["binary", "log", "bm25", "rating"]

BM25_K1, BM25_B = 1.2, 0.75
"""How soon a repeated play stops counting, and how much a long history counts less."""


@dataclass(frozen=True)
class Weighting:
    """From weights to values. `importance` (n_items,) and `mean_length` are those of bm25."""

    values: Values = "binary"
    liked: float = 1.0
    """The weight of an item of a history without one: for ratings, the highest."""
    mean_length: float = 0.0
    importance: Array | None = None

    def weigh(self, x: Csr) -> Csr:
        """The rows (n_users, n_items) with values in place of weights; all that are stored stay.

        log: log(1 + w). bm25: importance_i w (k1 + 1) / (w + k1 (1 - b + b |row| / mean_length)),
        where |row| is the row's sum (Robertson & Walker 1994, as for words in a document).
        """
        if self.values in ("binary", "rating"):
            return x
        weighed = x.copy()
        if self.values == "log":
            weighed.data = np.log1p(x.data)
            return weighed
        assert self.importance is not None
        lengths = np.repeat(np.asarray(x.sum(axis=1)).ravel(), np.diff(x.indptr))
        norm = BM25_K1 * (1 - BM25_B + BM25_B * lengths / self.mean_length)
        weighed.data = self.importance[x.indices] * x.data * (BM25_K1 + 1) / (x.data + norm)
        return weighed


def learn_weighting(values: Values, x: Csr) -> Weighting:
    """The weighting of these training rows.

    importance is log(1 + n_users / (1 + users of the item)): what everybody has says little.
    """
    if values == "rating" and x.nnz:
        return Weighting(values, liked=float(x.data.max()))
    if values == "bm25":
        n_users_of = np.bincount(x.indices, minlength=x.shape[1])
        importance = np.log1p(x.shape[0] / (1 + n_users_of)).astype(np.float32)
        mean_length = float(x.sum()) / max(x.shape[0], 1)
        return Weighting(values, mean_length=mean_length, importance=importance)
    return Weighting(values)
