"""The interactions that a training may learn from: without suspected fake profiles, if asked so.

Suspects stay in the database, and are judged like everybody; they teach nothing.
"""

from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy.orm import Session

from models.groups.groups import SUSPECT_SCORE
from pipelines.data.interactions import DataConfig, InteractionMatrix, read_interactions
from pipelines.watch.groups import FoundGroups, find_groups

RULE = f"in a group whose members are alike by {SUSPECT_SCORE:g} nats or more"


@dataclass(frozen=True)
class LeftOut:
    """What did not train: users and their interactions, and of how many groups they were."""

    n_users: int
    n_interactions: int
    n_groups: int
    rule: str = RULE


@dataclass(frozen=True)
class Trusted:
    """What trains, and what was left out of it; None where nobody asked."""

    matrix: InteractionMatrix
    left_out: LeftOut | None


def read_trusted(session: Session, data: DataConfig) -> Trusted:
    """`read_interactions`, less the suspects where `data` says so.

    They are looked for among all weights, whatever `data` counts as positive: whom a group praises
    and whom it runs down tells as much.
    """
    matrix = read_interactions(session, data)
    if not data.leave_out_suspects:
        return Trusted(matrix, None)
    return without_suspects(matrix, find_groups(session, actions=data.actions))


def without_suspects(matrix: InteractionMatrix, found: FoundGroups) -> Trusted:
    """The matrix without the rows of the suspects; every item keeps its column."""
    suspects = {suspect.user_id for suspect in found.suspects}
    kept = np.array([user_id not in suspects for user_id in matrix.user_ids], dtype=bool)
    x = matrix.x[np.flatnonzero(kept)]
    user_ids = tuple(user_id for user_id in matrix.user_ids if user_id not in suspects)
    left_out = LeftOut(int((~kept).sum()), int(matrix.x.nnz - x.nnz), len(found.groups))
    return Trusted(replace(matrix, x=x, user_ids=user_ids), left_out)
