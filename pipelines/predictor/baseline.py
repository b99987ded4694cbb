"""How strange a user is before anything is trained: a few simple features beside other users'.

Medians and deviations are of up to SAMPLE users, counted at most once in MAX_AGE seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from sqlalchemy.orm import Session
from torch import Tensor

from models.rows import SparseRows
from models.scoring.robust import Robust, features_of, fit_robust
from pipelines.predictor.counted import Counted
from pipelines.storage.audiences import histories_of_some, users_of_items

BASELINE: Final = "baseline"
"""What scores came of that no network gave."""
MAX_AGE = 60.0
SAMPLE = 2_000


@dataclass(frozen=True)
class SimpleJudge:
    """What is usual among the users, and how many have each item."""

    robust: Robust
    n_users_of: Mapping[str, int]

    def features(self, item_ids: Sequence[str], *, stored: bool) -> Tensor:
        """The features of one history, (1, n_features); stored: its user is among those counted."""
        others = [max(self.n_users_of.get(item_id, 0) - stored, 0) for item_id in item_ids]
        offsets = torch.tensor([0, len(others)])
        nums, ones = torch.arange(len(others)), torch.ones(len(others))
        return features_of(SparseRows(offsets, nums, ones, len(others)), torch.tensor(others))


class Baseline:
    """The judge of the moment: by the users that there are now, or were a short while ago."""

    def __init__(self, max_age: float = MAX_AGE) -> None:
        self._counted = Counted(_count, max_age=max_age)

    def judge(self, session: Session) -> SimpleJudge:
        return self._counted.get(session)


def _count(session: Session) -> SimpleJudge:
    n_users_of = users_of_items(session)
    histories = histories_of_some(session, n_users=SAMPLE)
    others = [n_users_of[item_id] - 1 for history in histories for item_id in history]
    offsets = torch.tensor([0, *map(len, histories)]).cumsum(0)
    nums, ones = torch.arange(len(others)), torch.ones(len(others))
    rows = SparseRows(offsets, nums, ones, len(others))
    return SimpleJudge(fit_robust(features_of(rows, torch.tensor(others).long())), n_users_of)
