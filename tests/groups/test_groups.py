"""Fake profiles: attacks are as they say, groups are found, and usual users are left alone."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from models.attacks import Attack, AttackConfig, attacked
from models.errors import ConfigError, RowsError
from models.groups import signals
from models.groups.groups import SUSPECT_SCORE, suspicion_of
from models.groups.signals import Csr, cohesion_of, component_shares
from pipelines.data.interactions import InteractionMatrix
from pipelines.data.vocabulary import Vocabulary
from pipelines.watch.groups import groups_of
from tests.worlds import ratings_world

N_USERS, N_ITEMS = 300, 400


@pytest.fixture(scope="module")
def world() -> Csr:
    return ratings_world()


def precision(scores: Any, is_attacker: Any) -> float:
    """Share of attackers among as many users as there are attackers."""
    best = np.argsort(-scores, kind="stable")[: is_attacker.sum()]
    return float(is_attacker[best].mean())


@pytest.mark.parametrize("attack", get_args(Attack))
def test_attackers_come_out_on_top_with_their_target(world: Csr, attack: Attack) -> None:
    made = attacked(world, AttackConfig(attack, size=0.1, filler=0.1), np.random.default_rng(1))
    suspicion = suspicion_of(made.x)
    assert precision(suspicion.scores, made.is_attacker) >= 0.9
    group = suspicion.groups[0]
    assert made.target in group.target_nums
    assert made.is_attacker[group.user_nums].mean() >= 0.9


@pytest.mark.parametrize("attack", ["average", "bandwagon"])
def test_two_attackers_in_five_users_do_not_make_themselves_usual(
    world: Csr, attack: Attack
) -> None:
    config = AttackConfig(attack, size=2 / 3, filler=0.1)
    made = attacked(world, config, np.random.default_rng(1))
    suspicion = suspicion_of(made.x)
    assert precision(suspicion.scores, made.is_attacker) >= 0.95
    assert made.is_attacker[suspicion.suspects].sum() >= 0.95 * made.is_attacker.sum()


def test_a_nuked_item_is_found_on_the_low_side(world: Csr) -> None:
    config = AttackConfig("average", aim="nuke", filler=0.1)
    made = attacked(world, config, np.random.default_rng(2))
    group = suspicion_of(made.x).groups[0]
    assert dict(zip(group.target_nums, group.sides, strict=True))[made.target] == "low"


def test_usual_users_are_no_suspects(world: Csr) -> None:
    for x in (world, ratings_world(seed=3)):
        suspicion = suspicion_of(x)
        assert suspicion.rated
        assert len(suspicion.suspects) == 0


def test_spammers_that_share_a_few_products_are_found_without_ratings(world: Csr) -> None:
    rng = np.random.default_rng(4)
    products = np.arange(N_ITEMS - 60, N_ITEMS - 48)
    spam = np.zeros((12, N_ITEMS))
    for row in spam:
        row[rng.choice(products, size=9, replace=False)] = 1
        row[rng.choice(N_ITEMS // 4, size=2, replace=False)] = 1
    genuine = sparse.csr_array((np.ones(world.nnz), world.indices, world.indptr), world.shape)
    x = sparse.csr_array(sparse.vstack([genuine, spam], format="csr"))
    suspicion = suspicion_of(x)
    assert not suspicion.rated
    is_spammer = np.arange(x.shape[0]) >= N_USERS
    assert precision(suspicion.scores, is_spammer) >= 0.9
    assert set(suspicion.groups[0].target_nums) <= set(products.tolist())


def test_contributions_add_up_and_stand_at_items_of_the_user(world: Csr) -> None:
    made = attacked(world, AttackConfig("bandwagon", filler=0.1), np.random.default_rng(1))
    suspicion = suspicion_of(made.x)
    sums = np.asarray(suspicion.contributions.sum(axis=1)).ravel()
    np.testing.assert_allclose(sums, suspicion.scores)
    elsewhere = suspicion.contributions.toarray()[made.x.toarray() == 0]
    assert not elsewhere.any()


def test_the_order_of_users_and_items_changes_no_score(world: Csr) -> None:
    made = attacked(world, AttackConfig("random", filler=0.1), np.random.default_rng(5))
    rng = np.random.default_rng(6)
    users, items = rng.permutation(made.x.shape[0]), rng.permutation(N_ITEMS)
    turned = sparse.csr_array(made.x[users][:, items])
    turned.sort_indices()
    first, second = suspicion_of(made.x).scores, suspicion_of(turned).scores
    attackers = made.is_attacker[users]
    np.testing.assert_allclose(second[attackers], first[users][attackers], rtol=0.05)
    again = suspicion_of(made.x).scores
    np.testing.assert_array_equal(again, first)


def test_too_few_users_or_no_interactions_give_no_suspect() -> None:
    for x in (ratings_world(n_users=9, n_items=60), sparse.csr_array((20, 5))):
        suspicion = suspicion_of(sparse.csr_array(x))
        assert suspicion.groups == ()
        assert not suspicion.scores.any()
        assert suspicion.scores.shape == (x.shape[0],)


def test_users_of_one_item_each_and_empty_users_have_finite_scores() -> None:
    x = sparse.lil_array((30, 10))
    x[np.arange(25), np.arange(25) % 10] = 1
    scores = suspicion_of(sparse.csr_array(x)).scores
    assert np.isfinite(scores).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 30), st.integers(2, 30))
def test_cohesion_is_the_mean_cosine_without_the_item(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    has = rng.random((n, m)) < 0.4
    found = cohesion_of(sparse.csr_array(has.astype(float))).toarray()
    counts = has.sum(0)
    rarity = np.log(n / np.maximum(counts, 1)) / np.log(n)
    rows = has * rarity
    rows = rows / np.maximum(np.sqrt((rows**2).sum(1, keepdims=True)), 1e-6)
    for user_num, item_num in zip(*np.nonzero(has), strict=True):
        others = [u for u in np.flatnonzero(has[:, item_num]) if u != user_num]
        without = np.delete(rows, item_num, axis=1)
        cosines = without[others] @ without[user_num]
        mean = cosines.mean() if others else 0.0
        expected = rarity[item_num] * mean / has[user_num].sum()
        assert found[user_num, item_num] == pytest.approx(expected, abs=1e-9)


def test_cohesion_is_the_same_however_much_is_added_up_at_a_time(
    world: Csr, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cohesion_of(world)
    monkeypatch.setattr(signals, "CELLS", 1)
    np.testing.assert_allclose(cohesion_of(world).toarray(), whole.toarray())


def test_component_shares_are_those_of_the_dense_decomposition(world: Csr) -> None:
    dense = world.toarray()
    centred = dense - dense.mean(1, keepdims=True)
    loadings, _, _ = np.linalg.svd(centred / centred.std(1, keepdims=True), full_matrices=False)
    expected = np.square(loadings[:, :3]).sum(1)
    np.testing.assert_allclose(component_shares(world), expected, rtol=1e-6)


def test_an_attack_is_as_it_says(world: Csr) -> None:
    config = AttackConfig("bandwagon", size=0.1, filler=0.05)
    made = attacked(world, config, np.random.default_rng(7))
    assert made.is_attacker.sum() == 30
    profiles = made.x[np.flatnonzero(made.is_attacker)].toarray()
    assert (profiles[:, made.target] == 5).all()
    counts = np.bincount(world.indices, minlength=N_ITEMS)
    assert 1 <= counts[made.target] <= 10
    popular = np.argsort(-counts, kind="stable")[:10]
    assert (profiles[:, popular] == 5).all()
    lengths = (profiles > 0).sum(1)
    assert (lengths >= 21).all()  # 20 fillers, and the target
    assert (lengths <= 31).all()
    assert set(np.unique(profiles)) <= {0.0, 1.0, 2.0, 3.0, 4.0, 5.0}
    genuine = made.x[np.flatnonzero(~made.is_attacker)]
    assert sorted(map(tuple, genuine.toarray())) == sorted(map(tuple, world.toarray()))


def test_a_love_hate_profile_hates_all_but_the_target(world: Csr) -> None:
    made = attacked(world, AttackConfig("love-hate", aim="nuke"), np.random.default_rng(8))
    profile = made.x[np.flatnonzero(made.is_attacker)[:1]].toarray()[0]
    assert profile[made.target] == 1
    assert set(profile[profile > 0].tolist()) == {1.0, 5.0}
    assert (profile == 1).sum() == 1


def test_an_attack_that_cannot_be_is_refused(world: Csr) -> None:
    with pytest.raises(ConfigError, match="love-hate"):
        AttackConfig("lovehate")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="size is 0"):
        AttackConfig(size=0)
    full = sparse.csr_array(np.full((30, 4), 3.0))
    with pytest.raises(RowsError, match="none can be a target"):
        attacked(full, AttackConfig(), np.random.default_rng(0))


def test_groups_are_told_in_ids_with_what_they_are_after(world: Csr) -> None:
    made = attacked(world, AttackConfig("average", filler=0.1), np.random.default_rng(9))
    user_ids = tuple(f"u{num:03}" for num in range(made.x.shape[0]))
    item_ids = tuple(f"i{num:03}" for num in range(N_ITEMS))
    matrix = InteractionMatrix(made.x, user_ids, Vocabulary(item_ids), "rating")
    found = groups_of(matrix)
    assert f"i{made.target:03}" in [target.item_id for target in found.groups[0].targets]
    by_id = {suspect.user_id: suspect for suspect in found.suspects}
    for group in found.groups:
        assert group.score >= SUSPECT_SCORE - 1
        for user_id in group.user_ids:
            suspect = by_id[user_id]
            assert sum(suspect.contributions.values()) == pytest.approx(suspect.score)
            assert 0 < suspect.p_value <= 1
    assert groups_of(matrix) == found


def test_where_everybody_has_everything_nobody_is_suspect() -> None:
    """As after an onboarding list: there are no directions of taste."""
    everything = sparse.csr_array(np.ones((20, 5)))
    assert not len(suspicion_of(everything).suspects)
