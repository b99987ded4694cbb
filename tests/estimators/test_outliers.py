"""The outlier detector behind scikit-learn: its offset, its errors, its refusals."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from models.detectors.detector import DetectorConfig
from models.detectors.fit import fit_detector
from models.errors import ConfigError, RowsError
from models.estimators import AutoencoderOutlierDetector


def test_points_off_the_ring_are_outliers(ring: Any) -> None:
    detector = AutoencoderOutlierDetector(regime="clean", contamination=0.05).fit(ring)
    strange = ring[:20] + np.random.default_rng(1).normal(scale=8, size=(20, 6))
    assert (detector.predict(strange) == -1).all()
    assert (detector.predict(ring) == -1).sum() == 10


def test_scores_are_those_of_the_detector_to_the_digit(ring: Any) -> None:
    estimator = AutoencoderOutlierDetector(form="fast", random_state=5).fit(ring)
    config = DetectorConfig(form="fast", calibration_share=0.0)
    table = {str(num): ring[:, num] for num in range(6)}
    detector = fit_detector(table, config, generator=torch.Generator().manual_seed(5)).detector
    assert np.array_equal(estimator.score_samples(ring), -detector.score(table).scores.numpy())


def test_feature_errors_sum_to_the_score(ring: Any) -> None:
    detector = AutoencoderOutlierDetector(form="fast").fit(ring)
    errors = detector.feature_errors(ring)
    assert errors.shape == ring.shape
    assert detector.score_samples(ring) == pytest.approx(-errors.sum(axis=1))


def test_the_share_of_outliers_is_estimated_unless_given(ring: Any) -> None:
    strange = ring[:20] + np.random.default_rng(1).normal(scale=8, size=(20, 6))
    detector = AutoencoderOutlierDetector(form="fast").fit(np.vstack([ring, strange]))
    assert detector.contamination_ == pytest.approx(20 / 220, abs=0.05)


def test_p_values_need_rows_held_out(ring: Any) -> None:
    detector = AutoencoderOutlierDetector(form="fast", calibration_share=0.5).fit(ring)
    p = detector.p_values(np.vstack([ring, ring[:1] + 50]))
    assert p.min() == p[-1] == pytest.approx(1 / 101)
    with pytest.raises(ConfigError, match="calibration_share above 0"):
        AutoencoderOutlierDetector(form="fast").fit(ring).p_values(ring)


def test_missing_cells_are_taken_and_rows_of_nothing_else_are_named(ring: Any) -> None:
    ring[3, 2] = np.nan
    detector = AutoencoderOutlierDetector(form="fast").fit(ring)
    assert np.isfinite(detector.score_samples(ring)).all()
    ring[7] = np.nan
    with pytest.raises(RowsError, match=r"1 rows cannot be used; row 7: All cells"):
        detector.predict(ring)


def test_predicts_in_a_pipeline_and_a_clone(ring: Any) -> None:
    steps = make_pipeline(PCA(4), AutoencoderOutlierDetector(form="fast", contamination=0.1))
    assert set(clone(steps).fit(ring).predict(ring)) == {-1, 1}


def test_a_share_of_outliers_may_be_any_real_number(ring: Any) -> None:
    detector = AutoencoderOutlierDetector(form="fast", contamination=np.float32(0.25)).fit(ring)
    assert detector.contamination_ == 0.25


@pytest.mark.parametrize("share", [0, 0.6, float("nan"), "some"])
def test_an_impossible_share_of_outliers_is_refused(share: Any, ring: Any) -> None:
    with pytest.raises(ConfigError, match="contamination"):
        AutoencoderOutlierDetector(contamination=share).fit(ring)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"kind": "denoisign"}, r"contractive, denoising, variational.*'denoising'\?"),
        ({"regime": "dirty"}, "auto, clean, contaminated"),
        ({"form": "slow"}, "fast, full"),
        ({"members": ["forrest"]}, r"'forest'\?"),
        ({"calibration_share": 1.0}, "calibration_share"),
    ],
)
def test_what_cannot_be_asked_is_named(parameters: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        AutoencoderOutlierDetector(**parameters).fit(np.eye(4))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (np.array([[1.0, np.inf], [1.0, 2.0]]), "infinity"),
        (np.ones((0, 3)), "0 sample"),
        (np.ones((1, 3)), "1 sample"),
    ],
)
def test_tables_that_cannot_be_used_are_named(table: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AutoencoderOutlierDetector().fit(table)
