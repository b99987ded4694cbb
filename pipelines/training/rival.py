"""An older artifact, judged on a new split: its ranking laid out in the new split's columns."""

import numpy as np
import torch
from torch import Tensor

from models.rows import SparseRows
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
        known = _renumbered(rows, place, len(knows))
        scores = torch.full((len(rows), len(columns)), -torch.finfo(torch.float32).max)
        scores[:, shared] = scorer(known)[:, theirs[shared]]
        return scores

    return score


def _renumbered(rows: SparseRows, place: Tensor, n_items: int) -> SparseRows:
    """The entries that have a place, under their new numbers."""
    numbers = place[rows.indices]
    kept = numbers >= 0
    lengths = torch.zeros(len(rows), dtype=torch.int64).index_add_(
        0, rows.row_nums[kept], torch.ones(int(kept.sum()), dtype=torch.int64)
    )
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    return SparseRows(offsets, numbers[kept], rows.values[kept], n_items)


def _or_minus_one(num: int | None) -> int:
    return -1 if num is None else num
