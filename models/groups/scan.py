"""Where users who agree on one item are too alike: a scan over the items, a group at each.

Not what users are like (signals.py), nor which findings are one group (groups.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln

from models.groups.population import beside_others, log_density, normal_scores
from models.groups.signals import Array, Csr
from models.progress import OnChunk, untold

MIN_AGREEING = 4
"""Fewer users who agree on an item are not looked at."""
MIN_SIZE = 3.0
MAX_SHARE = 0.5
"""Nor is an item on which more than this share of all users agree: they are the usual ones."""
ITERATIONS = 20
SETTLED = 1e-3
"""Or fewer, when no membership moves by more."""
STARTS = (0.5, 0.125)
"""How large a share of those who agree is taken for the group at first."""
N_CENTRES = 64
"""Users about whom a first group is looked for."""
CELLS_AT_ONCE = 2_000_000
"""Distances that are in memory at a time."""
PRIOR_MEAN_WEIGHT, PRIOR_SCALE_WEIGHT = 1.0, 2.0
"""A group is at first thought to be like the population, as sure as so many members are."""
MAX_ODDS = 40.0


@dataclass(frozen=True)
class Finding:
    """A group among those who agree on one item.

    users, membership (n_agreeing,): who agrees, and how likely each belongs to the group.
    strength: by how many nats a member is told better by the other members than by the population,
    which is those who do not agree.
    """

    item_num: int
    side: str
    users: Array
    membership: Array
    strength: float

    @property
    def members(self) -> Array:
        """Who rather belongs than not."""
        chosen: Array = self.users[self.membership > 0.5]
        return chosen


def scan(
    x: Csr, signals: Array, *, sides: dict[str, Array], on_chunk: OnChunk = untold
) -> list[Finding]:
    """A finding of positive strength for each item and side that has one, the strongest first.

    x (n_users, n_items); signals (n_users, n_signals); sides: by name, which entries of x, in
    storage order, are of users who agree (n_entries,).

    Those who agree are a mixture of the population, a multivariate t with the covariance of those
    who do not, and a group, normal in each direction with unknown mean and variance; a member is
    told by the others alone (posterior predictive, a t again), so that no finding praises itself.
    The strength is per member, less log C(agreeing, members) and log(items x sides), the choices
    that the scan had: a scan statistic.
    """
    scores = normal_scores(signals)
    findings: list[Finding] = []
    n_choices = x.shape[1] * len(sides)
    done = 0
    for side, chosen in sides.items():
        for item_nums, users, there in _batches(x, chosen):
            on_chunk(done, n_choices)
            done += len(item_nums)
            z = beside_others(scores, users, there)
            best = _best_groups(z, log_density(z), there)
            findings += _findings(side, item_nums, users, there, *best)
    corrected = [_less_choices(finding, n_choices) for finding in findings]
    kept = [finding for finding in corrected if finding.strength > 0]
    return sorted(kept, key=lambda each: (-each.strength, each.item_num, each.side))


def _batches(x: Csr, chosen: Array) -> Iterator[tuple[Array, Array, Array]]:
    """Items of about as many who agree: item_nums (b,), users (b, k), and who is there (b, k)."""
    rows = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))[chosen]
    columns = x.indices[chosen]
    order = np.argsort(columns, kind="stable")
    rows, counts = rows[order], np.bincount(columns, minlength=x.shape[1])
    starts = np.concatenate([[0], np.cumsum(counts)])
    fits = (counts >= MIN_AGREEING) & (counts <= MAX_SHARE * x.shape[0])
    item_nums = np.flatnonzero(fits)
    item_nums = item_nums[np.argsort(counts[item_nums], kind="stable")]
    while len(item_nums):
        widest = np.arange(1, len(item_nums) + 1) * counts[item_nums] * N_CENTRES
        n = max(1, int(np.searchsorted(widest, CELLS_AT_ONCE)))
        taken, item_nums = item_nums[:n], item_nums[n:]
        k = counts[taken].max()
        there = np.arange(k) < counts[taken, None]
        places = np.where(there, starts[taken, None] + np.arange(k), 0)
        yield taken, rows[places], there


def _best_groups(z: Array, usual: Array, there: Array) -> tuple[Array, Array]:
    """The better of the groups that the starts come to: membership and log odds, (b, k) each."""
    tried = []
    for share in STARTS:
        membership = _densest(z, there, share)
        for _ in range(ITERATIONS):
            gain = _told_by_others(z, membership) - usual
            n_agreeing = there.sum(axis=1, keepdims=True)
            prior = (membership.sum(axis=1, keepdims=True) + 1) / (n_agreeing + 2)
            odds = np.clip(gain + np.log(prior) - np.log1p(-prior), -MAX_ODDS, MAX_ODDS)
            before, membership = membership, expit(odds) * there
            if np.abs(membership - before).max() < SETTLED:
                break
        tried.append((membership, _told_by_others(z, membership) - usual))
    worth = np.stack([_gain(*each) for each in tried])  # (n_starts, b)
    best = worth.argmax(axis=0)
    rows = np.arange(len(z))
    memberships, gains = (np.stack(part)[best, rows] for part in zip(*tried, strict=True))
    return memberships, gains


def _gain(membership: Array, gain: Array) -> Array:
    """Nats a member (b,), of groups that are large enough."""
    size = membership.sum(axis=1)
    mean = (membership * gain).sum(axis=1) / np.maximum(size, 1)
    return np.where(size >= MIN_SIZE, mean, -np.inf)


def _densest(z: Array, there: Array, share: float) -> Array:
    """Who is nearest to the user about whom a share of those who agree lies densest: 0 or 1."""
    b, k = there.shape
    counts = there.sum(axis=1)
    n_near = np.maximum(MIN_AGREEING, np.ceil(share * counts)).astype(int)
    steps = np.arange(min(N_CENTRES, k)) / min(N_CENTRES, k)
    centres = np.floor(steps * counts[:, None]).astype(int)  # evenly among those who agree
    of_centres = np.take_along_axis(z, centres[:, :, None], axis=1)
    squares = np.square(of_centres).sum(-1)[:, :, None] + np.square(z).sum(-1)[:, None, :]
    distances = squares - 2 * of_centres @ z.transpose(0, 2, 1)  # (b, n_centres, k)
    distances[np.broadcast_to(~there[:, None, :], distances.shape)] = np.inf
    reach = np.take_along_axis(np.sort(distances, axis=2), (n_near - 1)[:, None, None], axis=2)
    nearest = reach[:, :, 0].argmin(axis=1)
    rows = np.arange(b)
    chosen: Array = distances[rows, nearest] <= reach[rows, nearest]
    return chosen.astype(np.float64)


def _told_by_others(z: Array, membership: Array) -> Array:
    """Log density (b, k) of each user by the group of the others: a t in each direction.

    Normal-inverse-chi-squared (Gelman et al., Bayesian Data Analysis, 3.3) with prior mean 0 and
    variance 1, whose weights are those of PRIOR_.
    """
    w = membership[:, :, None]
    n = w.sum(axis=1, keepdims=True) - w
    sums = (w * z).sum(axis=1, keepdims=True) - w * z
    squares = (w * z * z).sum(axis=1, keepdims=True) - w * z * z
    mean_weight, freedom = PRIOR_MEAN_WEIGHT + n, PRIOR_SCALE_WEIGHT + n
    mean = sums / mean_weight
    scatter = PRIOR_SCALE_WEIGHT + np.maximum(squares - mean_weight * mean**2, 0)
    scale = scatter / freedom * (1 + 1 / mean_weight)
    constant = gammaln((freedom + 1) / 2) - gammaln(freedom / 2)
    distance = np.log1p((z - mean) ** 2 / (freedom * scale))
    each = constant - 0.5 * np.log(freedom * np.pi * scale) - (freedom + 1) / 2 * distance
    density: Array = each.sum(axis=2)
    return density


def _findings(
    side: str, item_nums: Array, users: Array, there: Array, membership: Array, gain: Array
) -> Iterator[Finding]:
    strengths = _gain(membership, gain)
    for num in np.flatnonzero(np.isfinite(strengths)):
        agreeing = there[num]
        yield Finding(
            int(item_nums[num]),
            side,
            users[num][agreeing],
            membership[num][agreeing],
            float(strengths[num]),
        )


def _less_choices(finding: Finding, n_choices: int) -> Finding:
    n, size = len(finding.users), float(finding.membership.sum())
    subsets = gammaln(n + 1) - gammaln(size + 1) - gammaln(n - size + 1)
    strength = finding.strength - float(subsets + np.log(n_choices)) / size
    return Finding(finding.item_num, finding.side, finding.users, finding.membership, strength)
