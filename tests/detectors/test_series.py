"""Series in tables: cut where they break off, scored by position, stretches marked, order kept."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from models.detectors.detector import DetectorConfig
from models.detectors.explanation import explain
from models.detectors.kinds import pack_detector, unpack_detector
from models.detectors.series import SeriesDetector, fit_series
from models.detectors.series_tables import Layout, OrderError, cut_table
from models.detectors.stretches import stretches_of
from models.detectors.windows import WindowsConfig
from models.errors import RowsError
from tests.detectors.test_windows import COLUMNS, waves

CONFIG = WindowsConfig(length=8, rows=DetectorConfig(regime="clean", form="fast"))
LAYOUT = Layout(order="at", group="sensor")


def table(*series: np.ndarray) -> dict[str, object]:
    """Series one after the other, each of a sensor of its own, with times."""
    joined = np.concatenate(series)
    sensors = [f"s{num}" for num, each in enumerate(series) for _ in each]
    times = np.concatenate([np.arange(len(each)) for each in series])
    return {"flow": joined[:, 0], "heat": joined[:, 1], "at": times, "sensor": sensors}


@pytest.fixture(scope="module")
def detector() -> SeriesDetector:
    cut = cut_table(table(waves(600, 0), waves(400, 1)), COLUMNS, LAYOUT, CONFIG.length)
    takes = {"flow": "numeric", "heat": "numeric", "at": "numeric", "sensor": "categorical"}
    generator = torch.Generator().manual_seed(0)
    return fit_series(cut, COLUMNS, CONFIG, LAYOUT, takes=takes, generator=generator)  # type: ignore[arg-type]


def test_positions_are_scored_and_told_by_row(detector: SeriesDetector) -> None:
    odd = waves(120, 3)
    odd[60:75, 1] = odd[60, 1]
    both = table(waves(50, 2), odd)
    scored = detector.score(both)
    assert scored.rows.tolist() == list(range(170))
    assert scored.series is not None
    assert scored.series.tolist() == [0] * 50 + [1] * 120
    assert scored.p_values is not None
    strange = scored.p_values <= 0.02
    first = stretches_of(strange, scored.scores, scored.p_values, scored.series)[0]
    assert 100 <= first.start <= first.peak < first.stop <= 135
    explained, _ = explain(detector, both, [first.peak, 3])
    assert [each.row for each in explained] == [3, first.peak]
    top = explained[1]
    assert top.score == pytest.approx(first.score)
    assert sum(each.contribution for each in top.contributions) == pytest.approx(top.score)
    assert top.contributions[0].column == "heat"
    assert top.contributions[0].observed == odd[first.peak - 50, 1]
    assert -1.5 < top.contributions[0].expected < 1.5


def test_a_series_scores_the_same_alone_among_others_and_after_keeping(
    detector: SeriesDetector,
) -> None:
    alone = detector.score(table(waves(40, 5))).scores
    among = detector.score(table(waves(30, 6), waves(40, 5))).scores
    assert torch.allclose(among[30:], alone, rtol=1e-9)
    tensors, values = pack_detector(detector)
    again = unpack_detector(load(save(tensors)), json.loads(json.dumps(values)))
    assert torch.equal(again.score(table(waves(40, 5))).scores, alone)
    assert (again.takes, again.column_names) == (detector.takes, COLUMNS)
    weighed = again.weigh(2 * again.column_weights)
    assert torch.allclose(weighed.calibration, 2 * detector.calibration)


def test_bad_rows_cut_a_series_and_short_rests_are_listed(detector: SeriesDetector) -> None:
    one = table(waves(40, 7))
    one["flow"] = [None if row == 5 else value for row, value in enumerate(one["flow"])]  # type: ignore[call-overload]
    one["heat"] = ["hot" if row == 20 else value for row, value in enumerate(one["heat"])]  # type: ignore[call-overload]
    scored = detector.score(one)
    assert scored.rows.tolist() == [*range(6, 20), *range(21, 40)]
    told = {each.row: each.detail for each in scored.problems}
    assert set(told) == {*range(6), 20}
    assert "flow is missing" in told[5]
    assert "must be a number" in told[20]
    assert told[0] == "Only 5 usable rows follow each other here, and a window takes 8."


def test_groups_that_alternate_are_series_of_their_own() -> None:
    x = np.arange(20.0)
    cut = cut_table(
        {"x": x, "who": ["a", "b"] * 10, "at": np.repeat(np.arange(10), 2)},
        ["x"],
        Layout("at", "who"),
        5,
    )
    assert [each[:, 0].tolist() for each in cut.values] == [x[::2].tolist(), x[1::2].tolist()]
    assert cut.positions.tolist() == [*range(0, 20, 2), *range(1, 20, 2)]


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([0, 1, 2, 2, 4], "at of row 3, 2, repeats that of row 2, 2"),
        ([0, 1, 5, 3, 4], "at of row 3, 3, is before that of row 2, 5"),
        (
            ["2026-01-01T00:00Z", "2026-01-01T02:00+02:00", "2026-01-02", "2026-01-03"],
            "at of row 1, 2026-01-01T02:00.02:00, repeats that of row 0",
        ),
    ],
)
def test_clocks_out_of_order_or_repeated_are_named(times: list[object], words: str) -> None:
    n = len(times)
    with pytest.raises(OrderError, match=words) as caught:
        cut_table({"x": np.arange(n), "at": times}, ["x"], Layout(order="at"), 2)
    assert caught.value.column == "at"


def test_a_time_that_is_none_is_a_problem_of_its_row() -> None:
    times = [1, 2, "noon", None, 5, 6]
    cut = cut_table({"x": np.arange(6), "at": times}, ["x"], Layout(order="at"), 2)
    assert cut.positions.tolist() == [0, 1, 4, 5]
    assert [each.row for each in cut.problems] == [2, 3]


def test_a_table_without_a_column_or_with_nothing_usable_is_said(
    detector: SeriesDetector,
) -> None:
    with pytest.raises(RowsError, match="no column 'sensor'"):
        detector.score({"flow": [1.0], "heat": [1.0], "at": [1]})
    few = detector.score(table(waves(3, 8)))
    assert (few.scores.tolist(), len(few.problems)) == ([], 3)
    assert explain(detector, table(waves(3, 8)), [])[0] == ()


def test_stretches_do_not_go_from_one_series_into_the_next() -> None:
    strange = torch.tensor([True, True, True, False, True])
    scores = torch.tensor([1.0, 3.0, 2.0, 0.0, 5.0])
    found = stretches_of(strange, scores, 1 / scores, torch.tensor([0, 0, 1, 1, 1]))
    assert [(each.start, each.stop, each.peak) for each in found] == [
        (4, 5, 4),
        (0, 2, 1),
        (2, 3, 2),
    ]
