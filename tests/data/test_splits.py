"""The strong-generalisation split, by its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.interactions import InteractionMatrix, matrix_of
from pipelines.data.splits import held_out_count, strong_generalisation


def random_matrix(n_users: int, n_items: int = 30, per_user: int = 8) -> InteractionMatrix:
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(n_users), per_user)
    columns = np.concatenate([rng.permutation(n_items)[:per_user] for _ in range(n_users)])
    users = tuple(f"u{num}" for num in range(n_users))
    return matrix_of(users, rows, tuple(f"i{num}" for num in range(n_items)), columns)


@pytest.mark.parametrize(
    ("n_users", "expected"),
    [(50, 10), (54, 10), (671, 70), (1877, 190), (6022, 600), (10**6, 10_000)],
)
def test_a_tenth_is_rounded_to_the_nearest_ten_and_capped(n_users: int, expected: int) -> None:
    assert held_out_count(n_users) == expected


def test_users_are_in_one_part_only_and_all_are_somewhere() -> None:
    matrix = random_matrix(100)
    split = strong_generalisation(matrix, seed=1)
    assert split.validation is not None
    assert split.test is not None
    assert [
        part.shape[0] for part in (split.train, split.validation.fold_in, split.test.fold_in)
    ] == [
        80,
        10,
        10,
    ]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_fold_in_and_held_out_are_disjoint_and_a_fifth_is_held_out(seed: int) -> None:
    split = strong_generalisation(random_matrix(60, per_user=10), seed)
    assert split.test is not None
    fold_in, held_out = split.test.fold_in.toarray(), split.test.held_out.toarray()
    assert not (fold_in * held_out).any()
    history = fold_in.sum(axis=1) + held_out.sum(axis=1)
    assert (held_out.sum(axis=1) <= np.ceil(0.2 * 10)).all()
    assert (history <= 10).all()


def test_items_without_training_users_are_dropped() -> None:
    matrix = random_matrix(60)
    split = strong_generalisation(matrix, seed=3)
    assert (split.train.sum(axis=0) > 0).all()
    assert len(split.vocabulary) == split.train.shape[1]


def test_same_seed_same_split_and_another_seed_another() -> None:
    matrix = random_matrix(100)
    first, second, third = (strong_generalisation(matrix, seed) for seed in (1, 1, 2))
    assert (first.train != second.train).nnz == 0
    assert first.train.shape != third.train.shape or (first.train != third.train).nnz > 0


def test_with_fewer_than_fifty_users_all_of_them_train() -> None:
    split = strong_generalisation(random_matrix(49), seed=1)
    assert split.train.shape[0] == 49
    assert split.validation is None
    assert split.test is None


def test_users_with_few_items_train_but_never_judge() -> None:
    matrix = random_matrix(100)
    x = matrix.x.tolil()
    x[:20, 2:] = 0
    few = InteractionMatrix(x.tocsr(), matrix.user_ids, matrix.vocabulary)
    split = strong_generalisation(few, seed=1)
    assert split.train.shape[0] == 80
    assert (np.diff(split.train.indptr) < 5).sum() == 20
