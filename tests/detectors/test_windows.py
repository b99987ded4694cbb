"""Strange stretches of series: found where they are, promised what can be, refused by name."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from models.detectors.cutting import check_order, pieces, starts_of
from models.detectors.detector import DetectorConfig
from models.detectors.fit import fit_detector
from models.detectors.kept import pack_windows, unpack_windows
from models.detectors.objectives import KindName
from models.detectors.windows import (
    WindowDetector,
    WindowsConfig,
    fit_windows,
    windows_as_rows,
)
from models.errors import ConfigError, RowsError

COLUMNS = ("flow", "heat")
CONFIG = WindowsConfig(length=16, rows=DetectorConfig(regime="clean", form="fast"))


def waves(n_time: int, seed: int) -> np.ndarray:
    """A wave and what follows it a little later, with noise: (n_time, 2)."""
    rng = np.random.default_rng(seed)
    angle = np.arange(n_time) / 3 + rng.uniform(0, 6)
    clean = np.column_stack([np.sin(angle), np.sin(angle - 1)])
    return clean + 0.1 * rng.normal(size=(n_time, 2))


@pytest.fixture(scope="module")
def detector() -> WindowDetector:
    generator = torch.Generator().manual_seed(0)
    return fit_windows([waves(2000, 0)], CONFIG, columns=COLUMNS, generator=generator).detector


def test_a_stretch_is_marked_where_it_is_and_its_column_named(detector: WindowDetector) -> None:
    series = waves(400, 1)
    series[200:220, 1] = series[200, 1]  # heat stands still
    scored = detector.score(series)
    first = detector.stretches(scored, 0.01)[0]
    assert 185 <= first.start < 215 < first.stop + 10 <= 240
    assert scored.contributions[first.peak].argmax() == 1
    assert scored.p_values is not None
    assert first.p_value == scored.p_values.min()
    assert first.score == scored.positions[first.peak]


def test_contributions_of_a_position_sum_to_its_score(detector: WindowDetector) -> None:
    scored = detector.score(waves(100, 2))
    assert torch.allclose(scored.contributions.sum(dim=1), scored.positions, rtol=1e-9)
    assert 0.5 < float(scored.positions.median()) < 2


def test_a_series_scores_the_same_alone_among_others_and_after_keeping(
    detector: WindowDetector,
) -> None:
    series = waves(120, 3)
    tensors, values = pack_windows(detector)
    again = unpack_windows(load(save(tensors)), json.loads(json.dumps(values)))
    assert torch.equal(again.score(series).positions, detector.score(series).positions)
    assert again.columns == detector.columns
    found, problems = detector.score_all([waves(60, 4), series, series[:10]])
    assert torch.allclose(found[1].positions, detector.score(series).positions, rtol=1e-9)
    assert list(found) == [0, 1]
    assert problems[0].series == 2
    assert "10 positions" in problems[0].detail


def test_windows_are_read_along_time_and_those_kept_before_that_as_they_were(
    detector: WindowDetector,
) -> None:
    _, values = pack_windows(detector)
    assert values["rows"]["networks"]["config"]["window"] == (16, 2)
    starts = starts_of(600, 16, 2)
    rows = fit_detector(
        windows_as_rows(waves(600, 5), starts, CONFIG),
        CONFIG.rows,
        generator=torch.Generator().manual_seed(0),
    ).detector
    before = replace(detector, rows=rows)
    tensors, values = pack_windows(before)
    values["rows"]["format"] = 3
    del values["rows"]["networks"]["config"]["window"]
    series = waves(120, 3)
    again = unpack_windows(tensors, values).score(series)
    assert torch.equal(again.positions, before.score(series).positions)


@pytest.mark.parametrize("kind", ["variational", "contractive"])
def test_windows_of_every_kind_are_kept_also_where_a_cell_never_varies(kind: KindName) -> None:
    series = waves(64, 6)
    series[:, 1] = np.where(np.arange(64) % 16 == 3, 0.5, series[:, 1])  # in each window of 16
    rows = replace(CONFIG.rows, kind=kind, members=("networks",))
    config = WindowsConfig(length=16, step=16, rows=rows)
    generator = torch.Generator().manual_seed(0)
    fitted = fit_windows([series], config, columns=COLUMNS, generator=generator).detector
    tensors, values = pack_windows(fitted)
    cells = tensors["rows.networks.cells"].tolist()
    assert cells == [num for num in range(32) if num != 2 * 3 + 1]
    again = unpack_windows(load(save(tensors)), json.loads(json.dumps(values)))
    other = waves(40, 7)
    assert torch.equal(again.score(other).positions, fitted.score(other).positions)


def test_windows_cover_every_position_and_the_shortest_series_is_one() -> None:
    assert starts_of(16, 16, 4).tolist() == [0]
    assert starts_of(23, 16, 4).tolist() == [0, 4, 7]


def test_a_position_teaches_or_calibrates_and_never_both() -> None:
    series = [np.arange(1000.0)[:, None], np.arange(2000.0, 2050.0)[:, None]]
    taught, kept_back = pieces(series, 16, 0.25, torch.Generator().manual_seed(0))
    both = [np.concatenate([each[:, 0] for each in part]) for part in (taught, kept_back)]
    assert not set(both[0]) & set(both[1])
    assert len(both[0]) + len(both[1]) == 1050


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (waves(15, 0), "15 positions and a window takes 16"),
        (np.where(np.arange(40)[:, None] == [7, -1], np.nan, waves(40, 0)), "flow is nan at pos"),
        (np.zeros((40, 3)), "must be .n_time, 2.: flow, heat"),
    ],
)
def test_series_that_cannot_be_scored_are_refused(
    detector: WindowDetector, series: np.ndarray, words: str
) -> None:
    with pytest.raises(RowsError, match=words):
        detector.score(series)
    with pytest.raises(RowsError, match=words):
        fit_windows([series], CONFIG, columns=COLUMNS, generator=torch.Generator())


def test_times_that_go_back_are_named() -> None:
    check_order([1, 2, 2, 5])
    with pytest.raises(RowsError, match=r"Time 2 \(3\) is before time 1 \(7\)"):
        check_order([1, 7, 3])


def test_options_and_rates_that_cannot_be_kept_are_refused(detector: WindowDetector) -> None:
    with pytest.raises(ConfigError, match="length is 1"):
        WindowsConfig(length=1)
    with pytest.raises(ConfigError, match="step is 9"):
        WindowsConfig(length=8, step=9)
    scored = detector.score(waves(60, 5))
    with pytest.raises(ConfigError, match="too few for an alert rate of 0.0001"):
        detector.stretches(scored, 0.0001)
    words = replace(CONFIG, rows=replace(CONFIG.rows, categorical=("1",)))
    with pytest.raises(ConfigError, match="Series are of numbers"):
        fit_windows([waves(200, 6)], words, columns=COLUMNS, generator=torch.Generator())
    alone = replace(CONFIG, rows=replace(CONFIG.rows, calibration_share=0.0))
    fitted = fit_windows([waves(200, 6)], alone, columns=COLUMNS, generator=torch.Generator())
    assert fitted.detector.score(waves(60, 5)).p_values is None


def test_columns_of_positions_are_weighed_with_what_calibrates(detector: WindowDetector) -> None:
    weights = torch.tensor([2.0, 0.0, 1.0], dtype=torch.float64)
    weighed = replace(detector, column_weights=weights)
    parts = detector.score(waves(60, 7)).contributions
    assert torch.allclose(weighed.score(waves(60, 7)).positions, parts @ weights, rtol=1e-9)
    assert torch.allclose(weighed.calibration, detector.held_out @ weights)
