"""Which users train and which judge. Not the judging.

Strong generalisation (Liang et al. 2018): held-out users are unseen in training; a part of each
one's history is folded in, the rest is what a ranking should find.
"""

from dataclasses import dataclass, replace

import numpy as np

from pipelines.data.interactions import Csr, InteractionMatrix
from pipelines.data.vocabulary import Vocabulary
from pipelines.data.weighting import Weighting, learn_weighting

MIN_ITEMS = 5
"""A user with fewer items trains, but is never held out."""
MIN_USERS = 50
"""With fewer users who could be held out, every user trains and none judges."""
MAX_HELD_OUT = 10_000
HELD_OUT_SHARE = 0.2


@dataclass(frozen=True)
class HeldOut:
    """Users who judge: `fold_in` is shown to the network, `held_out` is what it should rank high.

    Both (n_users, n_items), with the training vocabulary's columns.
    """

    fold_in: Csr
    held_out: Csr


@dataclass(frozen=True)
class Split:
    """Training rows and the users who judge; None when there are too few users to spare any.

    The rows hold values by the weighting, which was learned from those of training.
    """

    train: Csr
    vocabulary: Vocabulary
    validation: HeldOut | None
    test: HeldOut | None
    weighting: Weighting = Weighting()


def strong_generalisation(matrix: InteractionMatrix, seed: int) -> Split:
    """Hold out a tenth of the users for validation and a tenth for test.

    Each tenth is rounded to the nearest ten and at most MAX_HELD_OUT; of each held-out user a
    random fifth of the items is held out; items outside the training part are dropped.
    """
    rng = np.random.default_rng(seed)
    judges = _judges(matrix, rng)
    if not len(judges):
        weighting = learn_weighting(matrix.values, matrix.x)
        return Split(weighting.weigh(matrix.x), matrix.vocabulary, None, None, weighting)
    n_held_out = len(judges) // 2
    trains = np.setdiff1d(np.arange(matrix.x.shape[0]), judges)
    item_nums = np.unique(matrix.x[trains].indices)
    x = matrix.x[:, item_nums]
    vocabulary = matrix.vocabulary.select(item_nums.tolist())
    weighting = learn_weighting(matrix.values, x[trains])
    validation = hold_out(x[np.sort(judges[:n_held_out])], rng)
    test = hold_out(x[np.sort(judges[n_held_out:])], rng)
    return weighed(Split(x[trains], vocabulary, validation, test, weighting))


def held_out_nums(matrix: InteractionMatrix, seed: int) -> np.ndarray:
    """The rows of the users whom `strong_generalisation` holds out, for validation and test."""
    return np.sort(_judges(matrix, np.random.default_rng(seed)))


def _judges(matrix: InteractionMatrix, rng: np.random.Generator) -> np.ndarray:
    """Rows held out, first those for validation, then as many for test; none of too few."""
    eligible = np.flatnonzero(np.diff(matrix.x.indptr) >= MIN_ITEMS)
    n_judges = 0 if len(eligible) < MIN_USERS else 2 * held_out_count(len(eligible))
    return rng.permutation(eligible)[:n_judges] if n_judges else eligible[:0]


def weighed(split: Split) -> Split:
    """A split of weights as one of values, by its own weighting."""
    weigh = split.weighting.weigh
    validation, test = (
        users and HeldOut(weigh(users.fold_in), weigh(users.held_out))
        for users in (split.validation, split.test)
    )
    return replace(split, train=weigh(split.train), validation=validation, test=test)


def held_out_count(n_users: int) -> int:
    """A tenth of the users, rounded to the nearest ten, and at most MAX_HELD_OUT."""
    return min(MAX_HELD_OUT, int(n_users / 100 + 0.5) * 10)


def hold_out(x: Csr, rng: np.random.Generator) -> HeldOut:
    """Of each row hold out a random fifth of the entries, rounded down; fold in the others."""
    chosen = np.zeros(x.nnz, dtype=bool)
    for start, end in zip(x.indptr, x.indptr[1:], strict=False):
        n_chosen = int(HELD_OUT_SHARE * (end - start))
        chosen[start + rng.choice(end - start, size=n_chosen, replace=False)] = True
    return HeldOut(_only(x, ~chosen), _only(x, chosen))


def _only(x: Csr, kept: np.ndarray) -> Csr:
    """The matrix with only some of its stored entries, given in storage order."""
    left = x.copy()
    left.data = x.data * kept
    left.eliminate_zeros()
    return left
