"""What kind of profile each user has, in a few numbers: where members of a group can be alike.

No number says by itself that a profile is fake, and none has a sign. What is alike, and how much
that proves, is in scan.py.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, svds
from scipy.stats import norm, rankdata

Array = np.ndarray[Any, Any]
Csr = sparse.csr_array[Any, Any]

N_COMPONENTS = 3
MAX_LEVELS = 21
"""A scale of ratings has up to so many values; weights with more are counts of something."""
CELLS = 1 << 24
"""Users times items whose cosines are in memory at a time: some 200 MB, however many users."""
TINY = 1e-6
"""Added before a logarithm: the least that cohesion and component shares come to."""


@dataclass(frozen=True)
class Signals:
    """Signals of n_users: values (n_users, n_signals), called by `names`.

    cohesion (n_users, n_items): what each item of a profile adds to the user's cohesion.
    """

    names: tuple[str, ...]
    values: Array
    cohesion: Csr


def are_ratings(x: Csr) -> bool:
    """Whether the weights are ratings on some scale: from 2 to MAX_LEVELS different values."""
    return 2 <= len(np.unique(x.data)) <= MAX_LEVELS


def signals_of(x: Csr, *, rated: bool) -> Signals:
    """The signals of the rows of x (n_users, n_items), which hold ratings if `rated`.

    length: log of the number of items. popularity, spread: mean and deviation over the items of
    the log of how many have the item. conformity: `component_shares`. cohesion: `cohesion_of`.
    Of ratings also deviation: mean |rating - the item's mean| (Chirita et al. 2005), and variety:
    deviation of the user's own ratings.
    """
    cohesion = cohesion_of(x)
    named = {
        "length": np.log(np.maximum(np.diff(x.indptr), 1)),
        **_popularity(x),
        "conformity": np.log(component_shares(x) + TINY),
        "cohesion": np.log(row_sums(cohesion) + TINY),
        **(_ratings(x) if rated else {}),
    }
    return Signals(tuple(named), np.stack(list(named.values()), axis=1), cohesion)


def normal_scores(values: Array) -> Array:
    """Each column by its ranks as a normal one, ties alike: no long tail decides anything."""
    ranks = rankdata(values, axis=0)
    scores: Array = norm.ppf((ranks - 0.5) / len(values))
    return scores


def component_shares(x: Csr) -> Array:
    """How much each user has of the main directions of taste: (n_users,), sum of squares 1 each.

    PCA-VarSelect (Mehta & Nejdl 2009): users are variables, standardised over all items, zeros
    too; of the first three components the squared loadings. Profiles put together by chance
    have next to nothing of them.
    """
    n_users, n_items = x.shape
    n_components = min(N_COMPONENTS, min(x.shape) - 1)
    if n_components < 1 or not x.nnz:
        return np.zeros(n_users)
    x = x.astype(np.float64)
    means = row_sums(x) / n_items
    variances = row_sums(x.power(2)) / n_items - means**2
    if variances.max() <= TINY:  # everybody has everything: there are no directions
        return np.zeros(n_users)
    scale = np.sqrt(np.maximum(variances, TINY))

    def forward(v: Array) -> Array:
        product: Array = (x @ v - means * v.sum()) / scale
        return product

    def backward(v: Array) -> Array:
        weighed = v / scale
        product: Array = x.T @ weighed - means @ weighed
        return product

    centred = LinearOperator(
        x.shape,
        matvec=lambda v: forward(v.ravel()),
        rmatvec=lambda v: backward(v.ravel()),
        dtype=np.float64,
    )
    start = np.arange(1.0, min(x.shape) + 1)  # a constant one would be centred away
    loadings, _, _ = svds(centred, k=n_components, v0=start)
    shares: Array = np.square(loadings).sum(axis=1)
    return shares


def cohesion_of(x: Csr) -> Csr:
    """How alike those who share an item are in all else: entries (n_users, n_items), as x has.

    The entry of user u and item t is r_t / n_u times the mean over the others who have t of the
    cosine of their profile and u's without t; n_u is the length of u's profile, and an item i
    weighs r_i = log(n_users / users of i) / log(n_users): to share what everybody has proves
    nothing. A row's sum is the user's cohesion, from 0 to 1.
    """
    n_users, n_items = x.shape
    counts = np.bincount(x.indices, minlength=n_items)
    rarity = np.log(n_users / np.maximum(counts, 1)) / max(np.log(n_users), TINY)
    has = sparse.csr_array((np.ones(x.nnz), x.indices, x.indptr), shape=x.shape)
    profiles = sparse.csr_array((rarity[x.indices], x.indices, x.indptr), shape=x.shape)
    norms = np.maximum(np.sqrt(row_sums(profiles.power(2))), TINY)
    profiles = sparse.csr_array(profiles.multiply(1 / norms[:, None]))
    by_item = has.T.tocsr()
    parts = []
    width = max(1, CELLS // max(n_users, 1))
    for start in range(0, n_items, width):
        chosen = slice(start, start + width)
        parts.append(_cohesion_with(has, profiles, by_item[chosen], chosen, rarity))
    entries = sparse.csr_array(sparse.hstack(parts, format="csr"))
    lengths = np.maximum(np.diff(x.indptr), 1)
    return sparse.csr_array(entries.multiply(1 / lengths[:, None]))


def _cohesion_with(has: Csr, profiles: Csr, users_of: Csr, chosen: slice, rarity: Array) -> Csr:
    """Rarity times mean cosine for some items: (n_users, n_chosen), where users have them."""
    own = sparse.csr_array(profiles[:, chosen])
    totals = sparse.csr_array(users_of @ profiles)  # (n_chosen, n_items): profiles that have t
    with_all = sparse.csr_array((profiles @ totals.T).multiply(has[:, chosen]))
    # Of all who have t: less what t itself adds, and less the user's likeness to herself.
    of_item = own.multiply(np.asarray(own.sum(axis=0))[None, :])
    herself = has[:, chosen] - own.power(2)
    n_others = np.maximum(np.diff(users_of.indptr) - 1, 1)
    rest = (with_all - of_item - herself).multiply((rarity[chosen] / n_others)[None, :])
    return sparse.csr_array(rest)


def _popularity(x: Csr) -> dict[str, Array]:
    popularity = np.log(np.maximum(np.bincount(x.indices, minlength=x.shape[1]), 1))[x.indices]
    mean = _row_means(x, popularity)
    spread = np.sqrt(np.maximum(_row_means(x, popularity**2) - mean**2, 0))
    return {"popularity": mean, "spread": spread}


def _ratings(x: Csr) -> dict[str, Array]:
    counts = np.maximum(np.bincount(x.indices, minlength=x.shape[1]), 1)
    item_means = np.bincount(x.indices, x.data, minlength=x.shape[1]) / counts
    mean = _row_means(x, x.data)
    variety = np.sqrt(np.maximum(_row_means(x, x.data.astype(np.float64) ** 2) - mean**2, 0))
    return {"deviation": _row_means(x, np.abs(x.data - item_means[x.indices])), "variety": variety}


def _row_means(x: Csr, entries: Array) -> Array:
    """The mean over each row's entries, 0 of an empty row."""
    lengths = np.diff(x.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    return np.bincount(rows, entries, minlength=len(lengths)) / np.maximum(lengths, 1)


def row_sums(x: Csr) -> Array:
    sums: Array = np.asarray(x.sum(axis=1)).ravel()
    return sums
