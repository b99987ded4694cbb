"""The content tower's arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from models.content import Towers, level_for

SEEDS = st.integers(0, 10_000)


def world(seed: int, n_known: int = 30, n_features: int = 6) -> tuple:
    rng = np.random.default_rng(seed)
    features = sparse.random_array((n_known, n_features), density=0.5, rng=rng).tocsr()
    return rng, features, rng.uniform(0.1, 1.0, size=n_known)


@given(SEEDS)
def test_regressing_logits_is_regressing_the_rows_of_the_last_layer(seed: int) -> None:
    rng, features, weights = world(seed)
    rows, users = rng.normal(size=(30, 4)), rng.normal(size=(5, 4))
    cold = sparse.csr_array(rng.uniform(size=(3, 6)))
    tower = Towers(features, weights).fit(0.1)
    shares = weights / weights.sum()
    f_mean, row_mean = features.T @ shares, shares @ rows
    centred = features.toarray() - f_mean
    gram = centred.T @ (shares[:, None] * centred) + 0.1 * np.eye(6)
    slopes = np.linalg.solve(gram, centred.T @ (shares[:, None] * (rows - row_mean)))
    cold_rows = row_mean + (cold.toarray() - f_mean) @ slopes
    np.testing.assert_allclose(
        tower.logits(users @ rows.T, cold), users @ cold_rows.T, rtol=1e-3, atol=1e-4
    )


@given(SEEDS, st.floats(-5, 5))
def test_without_a_word_from_the_features_the_logit_is_the_mean_one(
    seed: int, level: float
) -> None:
    rng, features, weights = world(seed)
    known = rng.normal(size=(4, 30))
    tower = Towers(features, weights).fit(1e9, level=level)
    mean = known @ (weights / weights.sum()) + level * tower.deviations(known)
    logits = tower.logits(known, features[:2])
    np.testing.assert_allclose(logits, np.stack([mean, mean], axis=1), rtol=1e-4, atol=1e-4)


@given(SEEDS, st.floats(0.1, 10))
def test_louder_logits_make_louder_cold_ones_in_the_same_order(seed: int, factor: float) -> None:
    rng, features, weights = world(seed)
    known = rng.normal(size=(2, 30))
    tower = Towers(features, weights).fit(0.1, level=0.7)
    np.testing.assert_allclose(
        tower.logits(factor * known, features),
        factor * tower.logits(known, features),
        rtol=1e-3,
        atol=1e-4,
    )


@given(SEEDS)
def test_an_item_of_the_same_content_gets_nearly_the_logit_of_its_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = sparse.csr_array(np.eye(8))
    known = rng.normal(size=(3, 8))
    logits = Towers(features, np.ones(8)).fit(1e-6).logits(known, features)
    np.testing.assert_allclose(logits, known, atol=1e-3)


@given(SEEDS, st.sampled_from([0.1, 0.25, 0.5]))
def test_the_level_gives_cold_items_their_share_of_the_places(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    known, cold = rng.normal(size=(50, 60)), rng.normal(-4, 0.5, size=(50, 40))
    deviations = rng.uniform(0.5, 2.0, size=50)
    level = level_for(known, cold, deviations=deviations, share=share, places=20)
    both = np.concatenate([known, cold + level * deviations[:, None]], axis=1)
    places = np.argsort(-both, axis=1)[:, :20]
    assert (places >= 60).mean() == pytest.approx(share, abs=0.01)


def test_there_is_no_level_where_nobody_judges() -> None:
    nobody, cold = np.zeros((0, 5)), np.zeros((0, 2))
    assert level_for(nobody, cold, deviations=np.zeros(0), share=0.2, places=10) == 0.0
