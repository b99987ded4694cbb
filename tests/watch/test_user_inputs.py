"""What a network is fed: of those trained on as if they had not been; scores all at once."""

from dataclasses import replace

import numpy as np
import pytest

from models.scoring.drift import compare
from pipelines.data.interactions import InteractionMatrix
from pipelines.data.splits import held_out_nums, strong_generalisation
from pipelines.registry.training_inputs import hashes_of, inputs_tensors, take_inputs
from pipelines.training.train import Trained, train
from pipelines.watch.user_inputs import (
    MAX_SCORED,
    inputs_of,
    inputs_of_training,
    predictor_of,
)
from tests.runs.processes import small_run
from tests.worlds import two_tastes

N_USERS = 900


@pytest.fixture(scope="module")
def world() -> InteractionMatrix:
    return two_tastes(N_USERS)


@pytest.fixture(scope="module")
def trained(world: InteractionMatrix) -> Trained:
    config = small_run(epochs=2)
    split = strong_generalisation(world, config.seed)
    return train(split, config, on_progress=lambda _: None)


def newcomers(world: InteractionMatrix) -> InteractionMatrix:
    return replace(world, user_ids=tuple(f"new-{each}" for each in world.user_ids))


def test_scores_are_those_of_each_user_alone(world: InteractionMatrix, trained: Trained) -> None:
    training, predictor = inputs_of_training(world, trained), predictor_of(trained)
    others = newcomers(two_tastes(MAX_SCORED + 20, seed=1))
    scores = inputs_of(others, predictor, training, seed=3)["anomaly-score"]
    expected = []
    for row in np.random.default_rng(3).permutation(len(others.user_ids))[:MAX_SCORED]:
        held = others.x[[row]].indices
        nums = predictor.nums(others.vocabulary.item_ids[num] for num in held)
        expected.append(predictor.score(nums).score)
    assert scores == pytest.approx(np.array(expected), rel=1e-4, abs=1e-5)


def test_who_is_new_and_like_the_others_is_no_drift(
    world: InteractionMatrix, trained: Trained
) -> None:
    training = inputs_of_training(world, trained)
    others = newcomers(two_tastes(N_USERS, seed=1))
    now = inputs_of(others, predictor_of(trained), training, seed=0)
    compared = compare(training.references, now)
    assert set(compared) == set(now)
    assert all(each.psi is not None for each in compared.values())
    assert not any(each.drifted for each in compared.values())


def test_an_item_that_only_one_user_of_training_had_is_unknown_but_to_others(
    world: InteractionMatrix, trained: Trained
) -> None:
    training, predictor = inputs_of_training(world, trained), predictor_of(trained)
    popularity = training.popularity.copy()
    popularity[:] = 1 / len(training.trained_on)
    only = replace(training, popularity=popularity)
    unknown = inputs_of(world, predictor, only, seed=0)["unknown-items"]
    was_there = np.isin(hashes_of(world.user_ids), training.trained_on)
    assert (unknown[was_there] == 1).all()
    assert (unknown[~was_there] == 0).all()
    assert np.flatnonzero(~was_there).tolist() == held_out_nums(world, trained.run.seed).tolist()


def test_inputs_come_back_from_their_tensors(world: InteractionMatrix, trained: Trained) -> None:
    training = inputs_of_training(world, trained)
    tensors = inputs_tensors(training)
    again = take_inputs(dict(tensors))
    assert again is not None
    assert again.references == training.references
    assert again.trained_on.tolist() == training.trained_on.tolist()
    del tensors["training.trained-on"]  # as in artifacts of before
    assert take_inputs(tensors) is None
