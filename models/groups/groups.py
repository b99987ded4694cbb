"""Fake profiles: users that are too alike around an item, and how suspect that makes each.

Higher is more suspect. The sign is fixed and rests on a reason, not on data: profiles that one
hand makes have their target in common and are more alike than chance among those who agree on
it, so that they lie close together; a score of outliers calls them the most usual of all.
Nothing is learned from labels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.stats import norm

from models.groups.scan import Finding, scan
from models.groups.signals import (
    TINY,
    Array,
    Csr,
    are_ratings,
    row_sums,
    signals_of,
)
from models.progress import OnChunk, untold

SUSPECT_SCORE = 4.0
"""Strength, with the mean excess cohesion of the members, from which a group is suspect. Without
the latter its members are exp(4), 55 times, better told by each other than by those who do not
agree with them, after what the scan could choose from."""
USUAL_DEVIATIONS = 2.0
"""Robust deviations of cohesion that count as taste."""
SAME_GROUP = 0.5
"""A finding with this share of its members in a group is of that group."""
SHARED = 0.5
"""An item that this share of the members has is one that they share."""
MIN_USERS = 10
"""Among fewer users nobody is said to be alike."""


@dataclass(frozen=True)
class Group:
    """Users who are suspected to be of one hand, in the order of their scores, highest first.

    target_nums: items on which they agree and where they are found, the strongest first; sides:
    whether they rate each "high" or "low", or only "had" it. shared_nums: other items that at
    least half of them have, the most common first. score: mean score of the members.
    """

    user_nums: Array
    target_nums: tuple[int, ...]
    sides: tuple[str, ...]
    shared_nums: tuple[int, ...]
    score: float


@dataclass(frozen=True)
class Suspicion:
    """How suspect each of n_users is.

    scores (n_users,) are the row sums of contributions (n_users, n_items). groups: those that are
    suspect, the highest score first. rated: whether ratings were read, or only who has what.
    """

    scores: Array
    contributions: Csr
    groups: tuple[Group, ...]
    rated: bool

    @property
    def suspects(self) -> Array:
        """The numbers of all users in a suspect group, in order."""
        parts = [group.user_nums for group in self.groups]
        chosen: Array = np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)
        return chosen


def suspicion_of(x: Csr, *, rated: bool | None = None, on_chunk: OnChunk = untold) -> Suspicion:
    """How suspect the users of x (n_users, n_items) are, and in which groups.

    rated: whether x holds ratings; None: by the number of their levels. Without ratings all who
    have an item agree on it, and two of the signals are missing.

    A user's score is, over the findings of the scan, the highest strength times her membership,
    which is put down to its item; plus by how many robust deviations beyond two her cohesion
    exceeds that of usual users, which is put down to her items by what each adds to it.
    """
    rated = are_ratings(x) if rated is None else rated
    if x.shape[0] < MIN_USERS or not x.nnz:
        return Suspicion(np.zeros(x.shape[0]), sparse.csr_array(x.shape), (), rated)
    signals, sides = signals_of(x, rated=rated), _sides(x, rated=rated)
    findings = scan(x, signals.values, sides=sides, on_chunk=on_chunk)
    excess = _excess_cohesion(signals.cohesion)
    contributions = sparse.csr_array(excess + _of_findings(findings, (x.shape[0], x.shape[1])))
    scores = row_sums(contributions)
    suspect = _suspect(findings, row_sums(excess))
    groups = [_group(x, joined, scores) for joined in _joined(suspect, x.shape[0])]
    groups.sort(key=lambda group: (-group.score, group.target_nums))
    return Suspicion(scores, contributions, tuple(groups), rated)


def _sides(x: Csr, *, rated: bool) -> dict[str, Array]:
    """Which entries agree: the highest ratings push an item, the lowest nuke it."""
    if not rated:
        return {"had": np.ones(x.nnz, dtype=bool)}
    return {"high": x.data >= x.data.max(), "low": x.data <= x.data.min()}


def _of_findings(findings: Sequence[Finding], shape: tuple[int, int]) -> Csr:
    """Each user's best finding at its item: (n_users, n_items), an entry a user at most."""
    best, item_nums = np.zeros(shape[0]), np.zeros(shape[0], dtype=np.int64)
    for finding in findings:
        worth = finding.strength * finding.membership
        better = worth > best[finding.users]
        users = finding.users[better]
        best[users], item_nums[users] = worth[better], finding.item_num
    users = np.flatnonzero(best)
    return sparse.csr_array((best[users], (users, item_nums[users])), shape=shape)


def _excess_cohesion(cohesion: Csr) -> Csr:
    """The deviations beyond USUAL_DEVIATIONS of each user, over her items: as cohesion has them.

    Log cohesion beside the shortest half of all users' (Rousseeuw & Leroy 1988), who are usual
    ones as long as those are most: its middle, and the deviation of a normal with such a half.
    """
    totals = row_sums(cohesion)
    logs = np.log(np.maximum(totals, TINY))
    ordered = np.sort(logs)
    half = len(ordered) // 2
    widths = ordered[half:] - ordered[: len(ordered) - half]
    at = int(widths.argmin())
    middle = (ordered[at] + ordered[at + half]) / 2
    deviation = max(float(widths[at]) / 2 / norm.ppf(0.75), TINY)
    excess = np.maximum((logs - middle) / deviation - USUAL_DEVIATIONS, 0)
    return sparse.csr_array(cohesion.multiply((excess / np.maximum(totals, TINY))[:, None]))


def _suspect(findings: Sequence[Finding], excess: Array) -> list[Finding]:
    """Those whose strength, with the mean excess (n_users,) of their members, makes a suspect."""
    return [
        each
        for each in findings
        if len(each.members) and each.strength + float(excess[each.members].mean()) >= SUSPECT_SCORE
    ]


def _joined(findings: Sequence[Finding], n_users: int) -> Iterator[list[Finding]]:
    """Findings by group: each is of the first group to which most of its members belong."""
    left = list(findings)
    while left:
        inside = np.zeros(n_users, dtype=bool)
        inside[left[0].members] = True
        same = [each for each in left if inside[each.members].mean() >= SAME_GROUP]
        left = [each for each in left if inside[each.members].mean() < SAME_GROUP]
        yield same


def _group(x: Csr, findings: Sequence[Finding], scores: Array) -> Group:
    """Findings, the strongest first, as one group. Its users are the members of the strongest, and
    who is in two: one item of many that the group has in common is no proof.
    """
    users, times = np.unique(
        np.concatenate([finding.members for finding in findings]), return_counts=True
    )
    users = users[(times > 1) | np.isin(users, findings[0].members)]
    targets = dict.fromkeys(finding.item_num for finding in findings)
    sides = {finding.item_num: finding.side for finding in reversed(findings)}
    counts = np.bincount(x[users].indices, minlength=x.shape[1])
    common = np.argsort(-counts, kind="stable")
    n_shared = int((counts >= SHARED * len(users)).sum())
    return Group(
        users[np.argsort(-scores[users], kind="stable")],
        tuple(targets),
        tuple(sides[item_num] for item_num in targets),
        tuple(int(num) for num in common[:n_shared] if num not in targets),
        float(scores[users].mean()),
    )
