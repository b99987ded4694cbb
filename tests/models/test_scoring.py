"""Rankings, neighbours and histories without an item, by hand."""

import math

import torch

from models.scoring.anomaly import leave_each_out
from models.scoring.ranking import mask, top_n
from models.scoring.similarity import cosine_to_all
from tests.models.conftest import rows_of


def test_masked_items_come_last_with_minus_infinity() -> None:
    values, nums = top_n(
        mask(torch.tensor([[3.0, 2.0, 1.0]]), rows_of(torch.tensor([[1.0, 0, 0]]))), 3
    )
    assert nums.tolist() == [[1, 2, 0]]
    assert values[0, -1] == -math.inf


def test_more_than_there_is_gives_all() -> None:
    assert top_n(torch.zeros(2, 3), 100)[0].shape == (2, 3)


def test_cosine_of_a_zero_row_is_zero() -> None:
    embeddings = torch.tensor([[1.0, 0], [0, 0], [2, 0], [0, 1]])
    assert cosine_to_all(embeddings, 0).tolist() == [1, 0, 1, 0]


def test_leave_each_out_drops_one_entry_a_row() -> None:
    x = rows_of(torch.tensor([[1.0, 0, 2, 3]]))
    left = leave_each_out(x, torch.tensor([0, 2])).to_dense()
    assert left.tolist() == [[0, 0, 2, 3], [1, 0, 2, 0]]


def test_leave_out_of_a_single_entry_leaves_an_empty_row() -> None:
    x = rows_of(torch.tensor([[0.0, 1, 0]]))
    assert leave_each_out(x, torch.tensor([0])).to_dense().tolist() == [[0, 0, 0]]
