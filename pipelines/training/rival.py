"""An older artifact, judged on a new split: its ranking laid out in the new split's columns."""

import numpy as np
import torch
from torch import Tensor

from models.rows import SparseRows, renumbered
from pipelines.data.vocabulary import Vocabulary
from pipelines.training.evaluate import Scorer


def translated(scorer: Scorer, *, knows: Vocabulary, columns: Vocabulary) -> Scorer:
    """A scorer over `columns` from one over the vocabulary that it knows.

    Items it does not know are left out of the fold-in and ranked last: to its users they are
    as good as absent.
    """
    theirs = np.array([_or_minus_one(knows.num(item_id)) for item_id in columns.item_ids])
    shared = np.flatnonzero(theirs >= 0)
    place = torch.full((len(columns),), -1)
    place[shared] = torch.from_numpy(theirs[shared])

    def score(rows: SparseRows) -> Tensor:
        known = renumbered(rows, place, len(knows))
        scores = torch.full((len(rows), len(columns)), -torch.finfo(torch.float32).max)
        scores[:, shared] = scorer(known)[:, theirs[shared]]
        return scores

    return score


def _or_minus_one(num: int | None) -> int:
    return -1 if num is None else num
