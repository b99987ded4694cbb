"""What kind of profile each user has, in a few numbers: where members of a group can be alike.

No number says by itself that a profile is fake, and none has a sign. What is alike, and how much
that proves, is in scan.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, svds

Array = np.ndarray[Any, Any]
Csr = sparse.csr_array[Any, Any]

N_COMPONENTS = 3
MAX_LEVELS = 21
"""A scale of ratings has up to so many values; weights with more are counts of something."""
CELLS = 1 << 20
"""Products that are in memory at a time while cosines are added up: some 200 MB."""
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
    lengths = np.diff(x.indptr)
    rows, weights = np.repeat(np.arange(n_users), lengths), rarity[x.indices]
    norms = np.maximum(np.sqrt(np.bincount(rows, weights**2, n_users)), TINY)
    profiles = sparse.csr_array((weights / norms[rows], x.indices, x.indptr), shape=x.shape)
    by_item, shares = has.T.tocsr(), profiles.T.tocsr()
    cosines = [np.zeros(0)]
    for start, end in _chunks(by_item, lengths):
        own = shares.data[by_item.indptr[start] : by_item.indptr[end]]
        cosines.append(_mean_cosines(by_item[start:end], profiles, own, start))
    entries = np.concatenate(cosines) * np.repeat(rarity, counts) / lengths[by_item.indices]
    return sparse.csr_array((entries, by_item.indices, by_item.indptr), shape=has.T.shape).T.tocsr()


def _chunks(by_item: Csr, lengths: Array) -> Iterator[tuple[int, int]]:
    """Items in turn, so many that neither their products with all items nor the pairs of an owner
    and something else of hers are more than CELLS; or a single one.
    """
    n_items = by_item.shape[0]
    owners = np.concatenate([[0], np.cumsum(lengths[by_item.indices])])
    n_pairs = owners[by_item.indptr]
    start = 0
    while start < n_items:
        fits = int(np.searchsorted(n_pairs, n_pairs[start] + CELLS, side="right")) - 1
        end = min(max(fits, start + 1), start + max(1, CELLS // n_items), n_items)
        yield start, end
        start = end


def _mean_cosines(users_of: Csr, profiles: Csr, own: Array, start: int) -> Array:
    """Of each entry of users_of (n_chosen, n_users) the mean cosine with the others who have the
    item, which itself is left out: (n_entries,). The first of the items is number `start`.
    """
    totals = (users_of @ profiles).toarray()  # (n_chosen, n_items): all profiles that have t
    n_users_of = np.diff(users_of.indptr)
    items, users = np.repeat(np.arange(len(n_users_of)), n_users_of), users_of.indices
    lengths = np.diff(profiles.indptr)[users]
    entries = np.repeat(np.arange(len(users)), lengths)
    firsts = np.repeat(profiles.indptr[users] - np.cumsum(lengths) + lengths, lengths)
    places = firsts + np.arange(len(entries))
    weights, columns = profiles.data[places], profiles.indices[places]
    with_all = np.bincount(entries, weights * totals[items[entries], columns], len(users))
    # Of all who have t: less what t itself adds, and less the user's likeness to herself.
    rest = with_all - own * totals[items, items + start] - (1 - own**2)
    cosines: Array = rest / np.maximum(n_users_of - 1, 1)[items]
    return cosines


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
