"""Metrics by hand, by their laws and beside scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from pipelines.training.metrics.ndcg import ndcg_at_k
from pipelines.training.metrics.recall import recall_at_k

HITS = np.array([[True, False, True, False], [False] * 4, [True] * 4])


def test_recall_is_hits_over_the_smaller_of_k_and_held_out() -> None:
    assert recall_at_k(HITS, np.array([3, 1, 9]), 2).tolist() == [1 / 2, 0, 1]
    assert recall_at_k(HITS, np.array([3, 1, 4]), 4).tolist() == pytest.approx([2 / 3, 0, 1])


def test_ndcg_is_gain_over_the_best_possible_gain() -> None:
    first = (1 + 1 / 2) / (1 + 1 / math.log2(3))
    assert ndcg_at_k(HITS, np.array([2, 1, 4]), 4).tolist() == pytest.approx([first, 0, 1])


@pytest.mark.parametrize("metric", [recall_at_k, ndcg_at_k])
def test_nothing_held_out_is_not_a_number(metric) -> None:  # type: ignore[no-untyped-def]
    assert np.isnan(metric(HITS, np.array([0, 1, 0]), 4)).tolist() == [True, False, True]


@given(st.lists(st.booleans(), min_size=2, max_size=30), st.integers(0, 10), st.integers(1, 30))
def test_metrics_lie_between_zero_and_one(hits: list[bool], missed: int, k: int) -> None:
    n_held_out = np.array([sum(hits) + missed + 1])
    for metric in (recall_at_k, ndcg_at_k):
        value = metric(np.array([hits]), n_held_out, k)[0]
        assert 0 <= value <= 1


@given(st.lists(st.booleans(), min_size=2, max_size=30).filter(any))
def test_ndcg_of_a_whole_ranking_agrees_with_scikit_learn(hits: list[bool]) -> None:
    ours = ndcg_at_k(np.array([hits]), np.array([sum(hits)]), len(hits))[0]
    ranked_scores = np.arange(len(hits), 0, -1)
    theirs = ndcg_score(np.array([hits], dtype=float), ranked_scores[None].astype(float))
    assert ours == pytest.approx(theirs, abs=1e-9)


@given(
    st.lists(st.lists(st.booleans(), min_size=40, max_size=40), min_size=1, max_size=8),
    st.integers(1, 40),
)
def test_metrics_agree_with_the_formulas_of_recbole(hits: list[list[bool]], k: int) -> None:
    """RecBole 1.2.1, `evaluator/metrics.py`: `NDCG.metric_info` and `Recall.metric_info`, which sum
    along the ranks; its recall divides by all held-out items.
    """
    found = np.array(hits)
    n_held_out = found.sum(axis=1) + 1
    ranks = np.arange(1, found.shape[1] + 1)
    best = np.cumsum(np.tile(1 / np.log2(ranks + 1), (len(found), 1)), axis=1)
    for row, n in enumerate(n_held_out):
        best[row, n:] = best[row, n - 1]
    gained = np.cumsum(np.where(found, 1 / np.log2(ranks + 1), 0), axis=1)
    assert np.allclose(
        ndcg_at_k(found, n_held_out, k), (gained / best)[:, k - 1], rtol=0, atol=1e-9
    )
    recall = np.cumsum(found, axis=1)[:, k - 1] / n_held_out
    ours = recall_at_k(found, n_held_out, k) * np.minimum(k, n_held_out) / n_held_out
    assert np.allclose(ours, recall, rtol=0, atol=1e-9)
