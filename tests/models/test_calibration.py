"""P-values, thresholds and false discoveries: by hand, by their laws, and by what they promise."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from models.errors import ConfigError
from models.scoring.calibration import (
    alerts_interval,
    discoveries,
    is_at_most,
    p_value,
    p_values,
    rank_p_values,
    shortage,
    threshold_at,
)

scores = st.lists(st.floats(-50, 50), min_size=1, max_size=40)


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
    p = p_values(torch.tensor([score], dtype=torch.float64), calibration)
    above = threshold is not None and score > threshold
    assert above == bool(is_at_most(p, alert_rate))


@pytest.mark.parametrize("calibrated", [3.0, -3.0, 1e-12, 1234.5])
def test_rounding_decides_nothing_where_a_score_ties_with_a_calibration_score(
    calibrated: float,
) -> None:
    calibration = torch.tensor([-9e3, -8e3, calibrated, 8e3, 9e3], dtype=torch.float64)
    threshold = threshold_at(0.5, calibration)
    assert threshold is not None
    for rounding in (-9e-6, -1e-7, 0.0, 1e-7, 9e-6):
        score = calibrated * (1 + rounding)
        assert p_value(score, calibration) == 4 / 6
        assert score <= threshold
    above = calibrated + 2e-5 * abs(calibrated)
    assert p_value(above, calibration) == 3 / 6
    assert above > threshold


@pytest.mark.parametrize("alert_rate", [0.0, 1.0, -0.1, 2.0, float("nan")])
def test_a_rate_that_is_none_is_refused(alert_rate: float) -> None:
    with pytest.raises(ConfigError, match="alert_rate is"):
        threshold_at(alert_rate, torch.zeros(9))


def test_ranks_are_shares_of_those_at_least_as_strange_oneself_among_them() -> None:
    values = torch.tensor([0.0, 3.0, 0.0, 1.0, 1.0 + 1e-7])
    assert rank_p_values(values).tolist() == [1.0, 0.2, 1.0, 0.6, 0.6]
    assert rank_p_values(values[:0]).tolist() == []


def test_ranks_discover_nothing() -> None:
    assert not discoveries(rank_p_values(torch.arange(1000.0)), 0.9).any()


def test_a_chosen_batch_is_judged_among_all_that_it_was_chosen_from() -> None:
    p = torch.tensor([0.001, 0.004, 0.2], dtype=torch.float64)
    assert discoveries(p, 0.1).tolist() == [True, True, False]
    assert discoveries(p, 0.1, family=60).tolist() == [True, False, False]
    everyone = torch.cat([p, torch.ones(57).double()])
    assert discoveries(p, 0.1, family=60).equal(discoveries(everyone, 0.1)[:3])


def test_too_few_calibration_scores_promise_nothing() -> None:
    assert threshold_at(0.01, torch.zeros(98)) is None
    assert threshold_at(0.01, torch.zeros(99)) == pytest.approx(0.0)


@given(scores, scores)
def test_many_p_values_are_what_each_is_alone(values: list[float], asked: list[float]) -> None:
    calibration = torch.tensor(values, dtype=torch.float64)
    together = p_values(torch.tensor(asked, dtype=torch.float64), calibration)
    assert together.tolist() == [p_value(score, calibration) for score in asked]
    by_hand = [
        (1 + sum(v + 1e-5 * abs(v) >= score for v in values)) / (len(values) + 1) for score in asked
    ]
    assert together.tolist() == pytest.approx(by_hand)


@pytest.mark.parametrize("alert_rate", [0.1, 0.01, 0.001])
def test_a_promised_rate_says_how_many_calibration_scores_it_takes(alert_rate: float) -> None:
    needed = round(1 / alert_rate) - 1
    assert shortage(alert_rate, needed) is None
    lacking = shortage(alert_rate, needed - 1)
    assert lacking is not None
    assert f"{needed:,}" in lacking


def test_no_alert_is_promised_where_the_calibration_is_too_small() -> None:
    assert alerts_interval(0.01, 50, 10_000) == (0, 0)


@pytest.mark.parametrize(("alert_rate", "n"), [(0.1, 200), (0.01, 1000), (0.001, 2000)])
def test_alerts_on_fresh_clean_rows_follow_the_beta_binomial(alert_rate: float, n: int) -> None:
    rng = np.random.default_rng(7)
    low, high = alerts_interval(alert_rate, n, 1000)
    outside = 0
    for _ in range(200):
        drawn = torch.from_numpy(rng.gamma(2.0, size=n + 1000))  # exchangeable, never tied
        alerts = int((p_values(drawn[n:], drawn[:n]) <= alert_rate).sum())
        outside += not low <= alerts <= high
    assert outside <= 7


def test_tied_scores_only_make_alerts_rarer() -> None:
    rng = np.random.default_rng(8)
    drawn = torch.from_numpy(rng.integers(0, 5, size=20_000).astype(float))
    p = p_values(drawn[1000:], drawn[:1000])
    assert float((p <= 0.1).double().mean()) <= 0.1


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=50), st.floats(0.01, 0.5))
def test_discoveries_are_those_of_scipy(p: list[float], fdr: float) -> None:
    found = discoveries(torch.tensor(p, dtype=torch.float64), fdr)
    assert found.tolist() == (false_discovery_control(p) <= fdr + 1e-9).tolist()


def test_nothing_is_discovered_in_an_empty_batch() -> None:
    assert discoveries(torch.zeros(0, dtype=torch.float64), 0.1).tolist() == []


def test_false_discoveries_stay_below_the_rate_asked() -> None:
    rng = np.random.default_rng(9)
    false_shares = []
    for _ in range(100):
        calibration = torch.from_numpy(rng.normal(size=2000))
        batch = torch.from_numpy(np.concatenate([rng.normal(size=180), rng.normal(6, 1, size=20)]))
        found = discoveries(p_values(batch, calibration), 0.2)
        false_shares.append(float(found[:180].sum()) / max(int(found.sum()), 1))
        assert found[180:].double().mean() > 0.9
    assert np.mean(false_shares) <= 0.2 + 0.02  # the bound, and the error of a mean of 100
