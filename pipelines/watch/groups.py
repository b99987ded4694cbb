"""Which users may be fake profiles of one hand, and what they are after. Not what is done to them.

What makes a group is in `models/groups`; here it gets its ids.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sqlalchemy.orm import Session

from models.groups.groups import Group, Suspicion, suspicion_of
from models.groups.signals import Array
from models.progress import OnChunk, untold
from models.scoring.calibration import rank_p_values
from pipelines.data.interactions import DataConfig, InteractionMatrix, read_interactions


@dataclass(frozen=True)
class Target:
    """An item that a group is about: `side` is "high", "low", or "had" where nobody rates."""

    item_id: str
    side: str


@dataclass(frozen=True)
class UserGroup:
    """Suspected fake profiles of one hand, the most suspect user first.

    shared: other items that at least half of them have. score: the mean of the members' scores.
    p_value: the share of users at least as suspect as that, a rank without a promise.
    contributions: item_id -> what it adds, the most first; their sum is the score.
    """

    user_ids: tuple[str, ...]
    targets: tuple[Target, ...]
    shared: tuple[str, ...]
    score: float
    p_value: float
    contributions: dict[str, float]


@dataclass(frozen=True)
class Suspect:
    """How suspect a user is; contributions: item_id -> what it adds, the most first; their sum
    is the score. p_value: the share of users at least as suspect, a rank without a promise,
    as nobody is known to be genuine.
    """

    user_id: str
    score: float
    p_value: float
    contributions: dict[str, float]


@dataclass(frozen=True)
class FoundGroups:
    """Groups, the highest score first; everyone in any of them by id; all who were looked at.

    rated: whether ratings were read; without them the groups are those of who has what.
    """

    groups: tuple[UserGroup, ...]
    suspects: tuple[Suspect, ...]
    n_users: int
    rated: bool


def find_groups(session: Session, *, actions: tuple[str, ...] = ()) -> FoundGroups:
    """The groups among all users by their last weights; actions: only these, empty means all.

    Deterministic: equal interactions give equal groups.
    """
    data = DataConfig(actions=actions, values="rating")
    return groups_of(read_interactions(session, data))


def groups_of(matrix: InteractionMatrix, *, on_chunk: OnChunk = untold) -> FoundGroups:
    """The same for a matrix of weights."""
    suspicion = suspicion_of(matrix.x, on_chunk=on_chunk)
    item_ids = matrix.vocabulary.item_ids
    groups = tuple(_with_ids(group, suspicion, matrix) for group in suspicion.groups)
    p_values = rank_p_values(torch.from_numpy(suspicion.scores))
    suspects = tuple(
        Suspect(
            matrix.user_ids[num],
            float(suspicion.scores[num]),
            float(p_values[num]),
            _contributions(suspicion, np.array([num]), item_ids),
        )
        for num in suspicion.suspects
    )
    return FoundGroups(groups, suspects, len(matrix.user_ids), suspicion.rated)


def _with_ids(group: Group, suspicion: Suspicion, matrix: InteractionMatrix) -> UserGroup:
    item_ids = matrix.vocabulary.item_ids
    targets = zip(group.target_nums, group.sides, strict=True)
    return UserGroup(
        tuple(matrix.user_ids[num] for num in group.user_nums),
        tuple(Target(item_ids[num], side) for num, side in targets),
        tuple(item_ids[num] for num in group.shared_nums),
        group.score,
        float((suspicion.scores >= group.score).mean()),
        _contributions(suspicion, group.user_nums, item_ids),
    )


def _contributions(
    suspicion: Suspicion, user_nums: Array, item_ids: tuple[str, ...]
) -> dict[str, float]:
    """What each item adds to the scores of these users, in the mean."""
    rows = suspicion.contributions[user_nums]
    sums = np.bincount(rows.indices, rows.data, minlength=rows.shape[1])
    item_nums = np.unique(rows.indices)
    order = item_nums[np.argsort(-sums[item_nums], kind="stable")]
    return {item_ids[num]: float(sums[num]) / len(user_nums) for num in order.tolist()}
