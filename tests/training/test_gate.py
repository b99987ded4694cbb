"""Who goes live."""

import numpy as np

from pipelines.training.evaluate import HEADLINE, RMSE, Evaluation
from pipelines.training.gate import judge


def figures(values: list[float]) -> Evaluation:
    return Evaluation({HEADLINE: np.array(values)})


GOOD, FAIR, POOR = figures([0.5, 0.6, 0.7]), figures([0.49, 0.61, 0.69]), figures([0.1, 0.3, 0.2])


def test_the_first_artifact_above_popularity_is_promoted() -> None:
    verdict = judge(GOOD, POOR, None)
    assert verdict.promote
    assert "above popularity" in verdict.reasons[0]


def test_below_popularity_is_rejected_even_when_nothing_is_live() -> None:
    verdict = judge(POOR, GOOD, None)
    assert not verdict.promote
    assert "not above popularity" in verdict.reasons[0]


def test_clearly_worse_than_the_active_artifact_is_rejected() -> None:
    assert not judge(FAIR, POOR, figures([0.9, 0.9, 0.95])).promote


def test_a_difference_within_its_standard_error_is_no_reason_to_reject() -> None:
    assert judge(FAIR, POOR, GOOD).promote


def test_users_with_nothing_held_out_do_not_count() -> None:
    assert judge(figures([0.5, np.nan]), figures([0.2, np.nan]), figures([0.5, np.nan])).promote


def ratings(values: list[float]) -> Evaluation:
    return Evaluation({RMSE: np.array(values)})


def test_of_ratings_less_error_is_better() -> None:
    low, middle, high = ratings([0.8, 0.9]), ratings([0.81, 0.92]), ratings([1.1, 1.2])
    assert judge(low, high, None).promote
    assert not judge(high, low, None).promote
    assert not judge(high, ratings([2.0, 2.0]), low).promote
    assert judge(low, high, middle).promote
    assert "biases" in judge(low, high, None).reasons[0]


def test_too_few_users_to_judge_promotes_and_says_so() -> None:
    verdict = judge(None, None, None)
    assert verdict.promote
    assert "fewer than 50" in verdict.reasons[0]
