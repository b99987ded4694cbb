"""Beyond accuracy: by hand, by their laws, and beside RecBole's formulas written out again."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from pipelines.training.metrics.groups import by_activity, by_popularity
from pipelines.training.metrics.lists import coverage, diversity, gini, novelty
from pipelines.training.metrics.ndcg import ndcg_at_k
from pipelines.training.metrics.recall import recall_at_k

X = sparse.csr_array(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 2.0]]))


def test_coverage_is_the_share_of_items_that_anybody_is_shown() -> None:
    assert coverage(np.array([[0, 1], [1, 0]]), X) == 0.5


def test_gini_is_zero_where_all_are_shown_alike_and_grows_with_unevenness() -> None:
    assert gini(np.array([[0, 1], [2, 3]]), X) == 0
    assert gini(np.array([[0, 0], [0, 0]]), X) == pytest.approx(3 / 4)


def test_novelty_is_the_surprise_of_who_has_an_item() -> None:
    assert novelty(np.array([[0, 1]]), X) == pytest.approx((0 + 1) / 2)


def test_diversity_is_one_less_the_mean_cosine_of_the_pairs() -> None:
    lists = np.array([[0, 1, 2], [1, 2, 3]])
    ones = (X.toarray() > 0).astype(float)
    unit = ones / np.linalg.norm(ones, axis=0)
    cosines = unit.T @ unit
    pairs = [np.mean([cosines[a, b] for a in row for b in row if a < b]) for row in lists.tolist()]
    assert diversity(lists, X) == pytest.approx(1 - np.mean(pairs))
    assert math.isnan(diversity(np.array([[0]]), X))


@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=1, max_size=9))
def test_gini_is_that_of_recbole(rows: list[list[int]]) -> None:
    lists = np.array(rows)
    counts = np.sort(np.unique(lists, return_counts=True)[1])
    place = np.arange(4 - len(counts) + 1, 4 + 1)  # items never shown come first, with nothing
    theirs = ((2 * place - 4 - 1) * counts).sum() / lists.size / 4
    assert gini(lists, X) == pytest.approx(theirs, abs=1e-9)


@given(st.lists(st.booleans(), min_size=5, max_size=30).filter(any), st.integers(1, 5))
def test_recall_and_ndcg_are_those_of_recbole(hits: list[bool], k: int) -> None:
    pos_index, pos_len = np.array([hits]), np.array([sum(hits)])
    recall = np.cumsum(pos_index, axis=1)[:, k - 1] / pos_len  # over all that was held out
    ours = recall_at_k(pos_index, pos_len, k) * np.minimum(k, pos_len) / pos_len
    assert ours == pytest.approx(recall, abs=1e-9)
    ranks = np.arange(1, len(hits) + 1)
    gains = 1 / np.log2(ranks + 1)
    ideal = np.cumsum(gains)
    ideal[pos_len[0] :] = ideal[pos_len[0] - 1]
    theirs = np.cumsum(np.where(pos_index[0], gains, 0)) / ideal
    assert ndcg_at_k(pos_index, pos_len, k)[0] == pytest.approx(theirs[k - 1], abs=1e-9)


def test_thirds_go_from_the_least_to_the_most_active() -> None:
    values = np.array([0.3, 0.1, np.nan, 0.2, 0.5, 0.7])
    assert by_activity(values, np.array([9, 1, 8, 2, 3, 4])) == pytest.approx([0.15, 0.6, 0.3])


def test_items_are_parted_so_that_each_third_has_a_third_of_the_interactions() -> None:
    counts = np.array([6, 1, 1, 2, 2])
    shares = by_popularity(np.array([3, 1, 0, 0, 1]), np.array([4, 2, 2, 1, 1]), counts)
    assert shares == pytest.approx([1 / 5, 1 / 1, 3 / 4])
    assert math.isnan(by_popularity(np.zeros(5), np.zeros(5), counts)[0])
