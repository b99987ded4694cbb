"""Rankings, neighbours, p-values and thresholds, by hand and by their laws."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.scoring.anomaly import leave_each_out, p_value, threshold_at
from models.scoring.ranking import mask, top_n
from models.scoring.similarity import cosine_to_all
from tests.models.conftest import rows_of

scores = st.lists(st.floats(-50, 50), min_size=1, max_size=40)


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


@given(scores, st.floats(-60, 60))
def test_p_value_is_in_its_range_and_falls_with_the_score(
    values: list[float], score: float
) -> None:
    calibration = torch.tensor(values, dtype=torch.float64)
    p = p_value(score, calibration)
    assert 1 / (len(values) + 1) <= p <= 1
    assert p_value(score + 1, calibration) <= p


@given(scores, st.floats(-60, 60), st.floats(0.001, 0.999))
def test_above_the_threshold_exactly_when_the_p_value_is_at_most_the_rate(
    values: list[float], score: float, alert_rate: float
) -> None:
    calibration = torch.tensor(values, dtype=torch.float64)
    threshold = threshold_at(alert_rate, calibration)
    above = threshold is not None and score > threshold
    assert above == (p_value(score, calibration) <= alert_rate + 1e-12)


def test_too_few_calibration_scores_promise_nothing() -> None:
    assert threshold_at(0.01, torch.zeros(98)) is None
    assert threshold_at(0.01, torch.zeros(99)) == pytest.approx(0.0)
