"""Root mean squared error of ratings."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def rmse(squared_errors: Array, lengths: Array) -> Array:
    """sqrt of the mean squared error of each user, whose errors lie one after another.

    squared_errors (n_ratings,), lengths (n_users,) -> (n_users,)
    """
    user_nums = np.repeat(np.arange(len(lengths)), lengths)
    sums = np.bincount(user_nums, weights=squared_errors, minlength=len(lengths))
    none = np.full(len(lengths), np.nan)
    means: Array = np.divide(sums, lengths, out=none, where=lengths > 0)
    return np.sqrt(means)
