"""What a network reads of weights, by hand."""

import math

import numpy as np
import pytest
from scipy import sparse

from models.errors import ConfigError
from pipelines.data.interactions import DataConfig, matrix_of
from pipelines.data.splits import strong_generalisation
from pipelines.data.weighting import BM25_B, BM25_K1, learn_weighting

X = sparse.csr_array(np.array([[3.0, 0, 1], [0, 8, 0], [1, 0, 0]], dtype=np.float32))


def matrix(values: str):  # type: ignore[no-untyped-def]
    """One user and one item, three times."""
    return matrix_of(
        ("u",),
        np.array([0, 0, 0]),
        ("i", "j"),
        np.array([0, 1, 0]),
        weights=np.array([5.0, 2.0, 3.0], dtype=np.float32),
        values=values,  # type: ignore[arg-type]
    )


def test_a_repeated_pair_is_a_one_a_sum_or_the_last_rating() -> None:
    assert matrix("binary").x.toarray().tolist() == [[1, 1]]
    assert matrix("log").x.toarray().tolist() == [[8, 2]]
    assert matrix("rating").x.toarray().tolist() == [[3, 2]]


def test_the_digest_sees_the_weights() -> None:
    digests = {matrix(values).digest() for values in ("binary", "log", "rating")}
    assert len(digests) == 3


def test_log_is_of_one_plus_the_weight() -> None:
    weighed = learn_weighting("log", X).weigh(X)
    assert weighed.toarray()[0].tolist() == pytest.approx([math.log(4), 0, math.log(2)])


def test_bm25_is_its_formula() -> None:
    weighed = learn_weighting("bm25", X).weigh(X)
    mean_length, length, users = 13 / 3, 4.0, 2
    norm = BM25_K1 * (1 - BM25_B + BM25_B * length / mean_length)
    expected = math.log(1 + 3 / (1 + users)) * 3 * (BM25_K1 + 1) / (3 + norm)
    assert weighed.toarray()[0, 0] == pytest.approx(expected)
    assert weighed.nnz == X.nnz


def test_ratings_and_ones_stay_as_they_are_and_the_highest_rating_is_liked() -> None:
    for values in ("binary", "rating"):
        assert (learn_weighting(values, X).weigh(X) != X).nnz == 0  # type: ignore[arg-type]
    assert learn_weighting("rating", X).liked == 8


def test_held_out_users_are_weighed_by_what_training_users_taught() -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.nonzero(rng.random((80, 20)) < 0.5)
    weights = rng.integers(1, 50, len(rows)).astype(np.float32)
    users, items = (tuple(f"{n:02}" for n in range(size)) for size in (80, 20))
    plays = matrix_of(users, rows, items, columns, weights=weights, values="bm25")
    split = strong_generalisation(plays, 1)
    assert split.validation is not None
    raw = strong_generalisation(
        matrix_of(users, rows, items, columns, weights=weights, values="rating"), 1
    )
    assert raw.validation is not None
    again = split.weighting.weigh(raw.validation.fold_in)
    assert np.allclose(again.toarray(), split.validation.fold_in.toarray())


def test_unknown_values_are_refused() -> None:
    with pytest.raises(ConfigError, match="binary, bm25, log, rating"):
        DataConfig(values="tfidf")  # type: ignore[arg-type]
