"""Ranking and judging of held-out users."""

import numpy as np
import pytest
import torch
from scipy import sparse

from models.rows import SparseRows
from pipelines.data.splits import HeldOut
from pipelines.data.vocabulary import Vocabulary
from pipelines.training import evaluate as module
from pipelines.training.evaluate import evaluate, popularity_scorer
from pipelines.training.rival import translated

USERS = HeldOut(
    fold_in=sparse.csr_array(np.array([[1.0, 0, 0, 0, 0], [0, 1, 0, 0, 0]])),
    held_out=sparse.csr_array(np.array([[0.0, 1, 0, 0, 0], [0, 0, 0, 1, 0]])),
)


def fixed(scores: list[float]) -> module.Scorer:
    return lambda rows: torch.tensor(scores, dtype=torch.float32).repeat(len(rows), 1)


def test_folded_in_items_are_not_ranked() -> None:
    evaluation = evaluate(fixed([9, 8, 3, 2, 1]), USERS)
    first, second = evaluation.per_user["ndcg@100"]
    assert first == 1.0  # item 0 is folded in, item 1 is next
    assert second == pytest.approx(1 / np.log2(4))  # items 0 and 2 come before item 3


def test_evaluation_does_not_depend_on_the_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluate(fixed([1, 2, 3, 4, 5]), USERS)
    monkeypatch.setattr(module, "SCORES_AT_ONCE", 1)
    one_by_one = evaluate(fixed([1, 2, 3, 4, 5]), USERS)
    assert whole.summary() == one_by_one.summary()


def test_popularity_ranks_by_the_number_of_training_users() -> None:
    train = sparse.csr_array(np.array([[1.0, 1, 0], [0, 1, 0], [0, 1, 1]]))
    rows = SparseRows(torch.tensor([0, 0]), torch.tensor([], dtype=torch.int64), torch.ones(0), 3)
    assert popularity_scorer(train)(rows).tolist() == [[1, 3, 1]]


def test_a_rival_is_judged_in_the_new_columns_and_what_it_does_not_know_comes_last() -> None:
    knows, columns = Vocabulary(("b", "old", "a")), Vocabulary(("a", "b", "new"))
    seen: list[list[float]] = []

    def scorer(rows: SparseRows) -> torch.Tensor:
        seen.extend(rows.to_dense().tolist())
        return torch.tensor([[5.0, 9.0, 7.0]])

    rows = SparseRows(torch.tensor([0, 2]), torch.tensor([0, 2]), torch.ones(2), 3)
    scores = translated(scorer, knows=knows, columns=columns)(rows)
    assert seen == [[0, 0, 1]]  # only "a" is known to it
    assert scores[0, :2].tolist() == [7, 5]
    assert scores[0, 2] < -1e30
