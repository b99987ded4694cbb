"""What lists of recommendations are like, apart from being right. Not how right they are.

Each reads `lists` (n_users, n) int, the item numbers that users are shown, and x (n_train,
n_items), the training rows.
"""

from typing import Any

import numpy as np
from scipy import sparse

Array = np.ndarray[Any, Any]
Csr = sparse.csr_array[Any, Any]


def coverage(lists: Array, x: Csr) -> float:
    """The share of all items that anybody is shown."""
    return float(len(np.unique(lists)) / x.shape[1])


def gini(lists: Array, x: Csr) -> float:
    """How unevenly items are shown: 0 all alike, towards 1 the same few to everybody.

    sum over items, the least shown first, of (2 i - n - 1) c_i / (n sum c), never shown ones too.
    """
    counts = np.sort(np.bincount(lists.ravel(), minlength=x.shape[1]))
    n = len(counts)
    return float(((2 * np.arange(1, n + 1) - n - 1) * counts).sum() / (n * counts.sum()))


def novelty(lists: Array, x: Csr) -> float:
    """Mean of -log2 of the share of training users who have a shown item, in bits.

    An item counts as if at least one user had it (Vargas & Castells 2011, self-information).
    """
    shares = np.maximum(np.bincount(x.indices, minlength=x.shape[1]), 1) / x.shape[0]
    return float(-np.log2(shares)[lists].mean())


def diversity(lists: Array, x: Csr) -> float:
    """Mean over users of 1 - the mean cosine of two items of a list, by who has them in training.

    The cosines of a list's pairs sum to (|sum of its unit columns|^2 - n) / 2.
    """
    n = lists.shape[1]
    if n < 2:
        return float("nan")
    norms = np.sqrt(np.maximum(np.bincount(x.indices, minlength=x.shape[1]), 1))
    users_of = sparse.csr_array(
        ((x.data != 0) / norms[x.indices], x.indices, x.indptr), shape=x.shape
    ).T.tocsr()
    sums = [np.square(users_of[shown].sum(axis=0)).sum() for shown in lists]
    return float(1 - ((np.array(sums) - n) / (n * (n - 1))).mean())
