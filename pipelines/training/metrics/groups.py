"""Who is served worse: a metric by how active users are, hits by how common items are."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def by_activity(values: Array, lengths: Array) -> list[float]:
    """Mean of each third of the users, from those with the shortest histories to the longest.

    values, lengths (n_users,): a metric, NaN where there is none, and the items folded in.
    """
    thirds = np.array_split(np.argsort(lengths, kind="stable"), 3)
    return [float(np.nanmean(values[third])) for third in thirds]


def by_popularity(found: Array, wanted: Array, counts: Array) -> list[float]:
    """Of the held-out items the share that was found, from rare items to common ones.

    found, wanted, counts (n_items,): how often an item was found and held out, and how many
    training users have it. Each third of the items has a third of all training interactions.
    """
    order = np.argsort(counts, kind="stable")
    middle = np.cumsum(counts[order]) - counts[order] / 2
    third = np.minimum(3 * middle // max(counts.sum(), 1), 2).astype(int)
    sums = [np.bincount(third, weights=v[order], minlength=3) for v in (found, wanted)]
    return [float(f / w) if w else float("nan") for f, w in zip(*sums, strict=True)]
