"""Fake profiles put into a matrix of ratings: attacks to measure a detector on. Not the detector.

The attacks of Burke et al. (2006) and Mobasher et al. (2007). Each profile rates the target as
the attack wants it, and fillers that make it look like a profile; kinds differ in the fillers.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from scipy import sparse

from models.errors import ConfigError, RowsError, choice_error
from models.groups.signals import Array, Csr

Attack = Literal["random", "average", "bandwagon", "segment", "love-hate"]
Aim = Literal["push", "nuke"]
N_POPULAR = 10
MAX_RATINGS_OF_TARGET = 10


@dataclass(frozen=True)
class AttackConfig:
    """What an attack is.

    random: fillers drawn uniformly, rated from the normal of all ratings. average: from the
    normal of the item's ratings. bandwagon: as random, and the ten items with most ratings get
    the highest. segment: the ten items most often had together with one of those get what the
    target gets, the fillers the opposite. love-hate: the fillers get the opposite of the target.
    """

    attack: Attack = "random"
    aim: Aim = "push"
    """The target gets the highest rating, or the lowest."""
    size: float = 0.05
    """Attackers as a share of the users that there are."""
    filler: float = 0.03
    """Fillers of a profile as a share of the items."""
    noise: float = 1.0
    """The deviation of the normals, as a share of that of the ratings."""

    def __post_init__(self) -> None:
        for name, choices in (("attack", get_args(Attack)), ("aim", get_args(Aim))):
            if getattr(self, name) not in choices:
                raise choice_error(name, getattr(self, name), choices)
        for name in ("size", "filler"):
            if not 0 < getattr(self, name) <= 1:
                detail = f"{name} is {getattr(self, name)}; it must be above 0 and at most 1."
                raise ConfigError(name, detail)
        if self.noise < 0:
            raise ConfigError("noise", f"noise is {self.noise}; it must not be negative.")


@dataclass(frozen=True)
class Attacked:
    """A matrix with an attack in it: x (n_users, n_items), the attackers' rows at random places.

    is_attacker (n_users,) bool; target: the column of the item that they are after.
    """

    x: Csr
    is_attacker: Array
    target: int


def attacked(x: Csr, config: AttackConfig, rng: np.random.Generator) -> Attacked:
    """x (n_users, n_items) of whole ratings with attackers among the users.

    Drawn ratings are rounded and clipped to the scale of x, from its lowest to its highest. The
    target is drawn from the items with 1 to 10 ratings. Raises RowsError where there is none.
    """
    items = _Items.of(x)
    candidates = np.flatnonzero((items.counts > 0) & (items.counts <= MAX_RATINGS_OF_TARGET))
    if not len(candidates):
        detail = f"No item has from 1 to {MAX_RATINGS_OF_TARGET} ratings, so none can be a target."
        raise RowsError(detail)
    target = int(rng.choice(candidates))
    selected = _selected(x, items, config, rng)
    n_users = x.shape[0]
    n_attackers = max(1, round(config.size * n_users))
    profiles = [_profile(items, target, selected, config, rng) for _ in range(n_attackers)]
    fakes = _rows(profiles, x.shape[1])
    order = rng.permutation(n_users + n_attackers)
    together = sparse.csr_array(sparse.vstack([x.astype(np.float64), fakes], format="csr"))
    return Attacked(sparse.csr_array(together[order]), order >= n_users, target)


@dataclass(frozen=True)
class _Items:
    """What an attacker may know of the ratings of each item (n_items,), and of all."""

    counts: Array
    means: Array
    deviations: Array
    mean: float
    deviation: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, x: Csr) -> "_Items":
        """An item that nobody rated has the mean and the deviation of all ratings; with a single
        rating, a deviation of none.
        """
        ratings = x.data.astype(np.float64)
        mean, deviation = float(ratings.mean()), float(ratings.std())
        counts = np.bincount(x.indices, minlength=x.shape[1])
        n = np.maximum(counts, 1)
        means = np.bincount(x.indices, ratings, minlength=x.shape[1]) / n
        squares = np.bincount(x.indices, ratings**2, minlength=x.shape[1]) / n
        deviations = np.sqrt(np.maximum(squares - means**2, 0))
        return cls(
            counts,
            np.where(counts > 0, means, mean),
            np.where(counts > 0, deviations, deviation),
            mean,
            deviation,
            float(ratings.min()),
            float(ratings.max()),
        )

    def extreme(self, aim: Aim, *, opposite: bool = False) -> float:
        return self.highest if (aim == "push") != opposite else self.lowest


def _selected(x: Csr, items: _Items, config: AttackConfig, rng: np.random.Generator) -> Array:
    """The items that all profiles of the attack have, beside the target."""
    popular = np.argsort(-items.counts, kind="stable")[:N_POPULAR]
    if config.attack == "bandwagon":
        return popular
    if config.attack != "segment":
        return np.empty(0, dtype=np.int64)
    seed_item = int(rng.choice(popular))
    fans = np.flatnonzero(x[:, [seed_item]].toarray().ravel())
    together = np.bincount(x[fans].indices, minlength=x.shape[1])
    likeness = together / np.sqrt(np.maximum(items.counts, 1))  # a cosine, but for a constant
    segment: Array = np.argsort(-likeness, kind="stable")[:N_POPULAR]
    return segment


def _profile(
    items: _Items, target: int, selected: Array, config: AttackConfig, rng: np.random.Generator
) -> dict[int, float]:
    """The ratings of one attacker by item; of an item chosen twice the target's rating holds,
    then that of the selected ones.
    """
    n_items = len(items.counts)
    others = np.delete(np.arange(n_items), target)
    n_fillers = min(max(1, round(config.filler * n_items)), len(others))
    fillers = rng.choice(others, size=n_fillers, replace=False)
    profile = dict(zip(fillers.tolist(), _filler_ratings(items, fillers, config, rng), strict=True))
    aim = config.aim if config.attack == "segment" else "push"
    profile.update(dict.fromkeys(selected.tolist(), items.extreme(aim)))
    profile[target] = items.extreme(config.aim)
    return profile


def _filler_ratings(
    items: _Items, fillers: Array, config: AttackConfig, rng: np.random.Generator
) -> list[Any]:
    if config.attack in ("segment", "love-hate"):
        return [items.extreme(config.aim, opposite=True)] * len(fillers)
    mean, deviation = items.mean, items.deviation
    if config.attack == "average":
        drawn = rng.normal(items.means[fillers], items.deviations[fillers] * config.noise)
    else:
        drawn = rng.normal(mean, deviation * config.noise, size=len(fillers))
    rounded: list[Any] = np.clip(np.round(drawn), items.lowest, items.highest).tolist()
    return rounded


def _rows(profiles: list[dict[int, float]], n_items: int) -> Csr:
    lengths = [len(profile) for profile in profiles]
    item_nums = np.array([num for profile in profiles for num in profile])
    ratings = np.array([rating for profile in profiles for rating in profile.values()])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = sparse.csr_array((ratings, item_nums, offsets), shape=(len(profiles), n_items))
    rows.sort_indices()
    return rows
