"""Labels and thresholds: what a false alarm does, what a confirmed anomaly does, and undo."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models.scoring.calibration import (
    is_at_most,
    p_values,
    promised_rank,
    rank_p_values,
    threshold_at,
)
from models.scoring.labels import NO_LABELS, Labels, cut_among, cut_at, with_labels

CALIBRATION = torch.arange(1.0, 100.0, dtype=torch.float64)
numbers = st.lists(st.integers(0, 50).map(float), max_size=30)
rates = st.sampled_from([0.01, 0.05, 0.1, 0.3])


def tensor(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def labels(*, right: list[float] = [], false: list[float] = []) -> Labels:  # noqa: B006
    return Labels(tensor(right), tensor(false))


@given(calibration=numbers, rate=rates)
def test_without_labels_the_threshold_is_that_of_the_calibration(
    calibration: list[float], rate: float
) -> None:
    cut = cut_at(rate, tensor(calibration))
    assert cut.threshold == threshold_at(rate, tensor(calibration))
    assert not cut.moved
    assert cut.promised_rate <= rate
    assert cut.labelled_errors == 0


@given(calibration=numbers, rate=rates, score=st.integers(0, 60).map(float))
def test_a_false_alarm_never_lowers_the_threshold_that_it_was_above(
    calibration: list[float], rate: float, score: float
) -> None:
    before, after = (
        cut_at(rate, tensor(calibration), each) for each in (NO_LABELS, labels(false=[score]))
    )
    if before.threshold is not None and score > before.threshold:
        assert after.threshold is not None
        assert after.threshold >= before.threshold


def test_false_alarms_join_the_calibration_by_the_conformal_formula() -> None:
    known = with_labels(CALIBRATION, labels(false=[500.0, 500.0]))
    assert float(p_values(tensor([400.0]), known)[0]) == 3 / 102
    assert promised_rank(0.02, 101) == 2
    assert cut_at(0.02, CALIBRATION).threshold == pytest.approx(98, rel=2e-5)  # the second of 99
    assert cut_at(0.02, CALIBRATION, labels(false=[500.0, 500.0])).threshold == pytest.approx(
        500, rel=2e-5
    )


def test_a_confirmed_anomaly_leaves_the_calibration_once_where_it_is_in_it() -> None:
    assert len(with_labels(CALIBRATION, labels(right=[99.0]))) == 98
    assert len(with_labels(CALIBRATION, labels(right=[99.0 * (1 + 1e-7)]))) == 98
    assert len(with_labels(CALIBRATION, labels(right=[99.01]))) == 99
    twice = torch.cat([CALIBRATION, CALIBRATION])
    assert len(with_labels(twice, labels(right=[99.0]))) == 197


def test_a_threshold_that_misses_confirmed_anomalies_moves_below_them() -> None:
    cut = cut_at(0.01, CALIBRATION, labels(right=[90.5, 95.5, 200.0]))
    assert cut.threshold == 90.25  # midway to the usual one below
    assert (cut.moved, cut.labelled_errors) == (True, 0)
    assert cut.promised_rate == (1 + 9) / 100
    assert cut.alerts(tensor([90.3, 90.2, 91.0])) == 2


def test_it_moves_no_lower_than_makes_fewer_labelled_errors() -> None:
    known = labels(right=[50.5, 95.5], false=[60.5, 61.5])
    cut = cut_at(0.01, CALIBRATION, known)
    assert cut.threshold == 95.25
    assert cut.labelled_errors == 1
    even = cut_at(0.01, CALIBRATION, labels(right=[50.5], false=[60.5]))
    assert not even.moved  # as many errors either way: the higher


def test_labels_make_a_threshold_where_the_calibration_promises_none() -> None:
    few = tensor([1.0, 2.0])
    silent = cut_at(0.01, few)
    assert (silent.threshold, silent.promised_rate, silent.alerts(tensor([9.0]))) == (None, 0.0, 0)
    cut = cut_at(0.01, few, labels(right=[6.0]))
    assert (cut.threshold, cut.promised_rate) == (4.0, pytest.approx(1 / 3))


@given(calibration=numbers, right=numbers, false=numbers, rate=rates)
def test_moving_never_makes_more_labelled_errors_and_keeps_what_it_says(
    calibration: list[float], right: list[float], false: list[float], rate: float
) -> None:
    given_labels = labels(right=right, false=false)
    cut = cut_at(rate, tensor(calibration), given_labels)
    known = with_labels(tensor(calibration), given_labels)
    at_rate = threshold_at(rate, known)
    if cut.threshold is None:
        assert at_rate is None
        return
    errors = [
        int((given_labels.right <= t).sum() + (given_labels.false_alarms > t).sum())
        for t in (cut.threshold, float("inf") if at_rate is None else at_rate)
    ]
    assert errors[0] == cut.labelled_errors <= errors[1]
    alerting = known[known > cut.threshold]
    assert cut.promised_rate == (1 + len(alerting)) / (len(known) + 1)
    again = cut_at(rate, tensor(calibration[::-1]), labels(right=right[::-1], false=false[::-1]))
    assert again == cut  # in whatever order labels came


def test_a_false_alarm_of_the_calibration_itself_is_not_counted_twice() -> None:
    assert with_labels(CALIBRATION, labels(false=[99.0])).equal(CALIBRATION)
    assert len(with_labels(CALIBRATION, labels(false=[99.5]))) == len(CALIBRATION) + 1


@given(scores=numbers, rate=rates)
def test_among_themselves_alerts_are_those_whose_rank_is_at_most_the_rate(
    scores: list[float], rate: float
) -> None:
    cut = cut_among(rate, tensor(scores))
    above = torch.zeros(len(scores), dtype=torch.bool)
    if cut.threshold is not None:
        above = tensor(scores) > cut.threshold
    assert above.tolist() == is_at_most(rank_p_values(tensor(scores)), rate).tolist()


def test_a_confirmed_anomaly_is_no_part_of_what_others_are_compared_with() -> None:
    scores = tensor([float(num) for num in range(1, 21)])
    eighteen = pytest.approx(18, rel=2e-5)
    assert cut_among(0.1, scores).threshold == eighteen
    cut = cut_among(0.1, scores, labels(right=[20.0]))
    assert (cut.threshold, cut.moved) == (eighteen, False)  # one of the other 19 is above
    told = cut_among(0.1, scores, labels(false=[20.0]))
    assert (told.threshold, told.labelled_errors) == (eighteen, 1)
