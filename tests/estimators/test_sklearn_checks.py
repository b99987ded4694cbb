"""scikit-learn's own checks of what an estimator must do."""

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.estimators import (
    EXPECTED_FAILED_CHECKS,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    AutoencoderTransformer,
)


def reasons(estimator: Any) -> dict[str, str]:
    return EXPECTED_FAILED_CHECKS[type(estimator).__name__]


@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        AutoencoderTransformer(epochs=30),
        AutoencoderOutlierDetector(form="fast", regime="clean"),
        AutoencoderRecommender(epochs=5, options={"hidden_dims": [16]}, latent_dim=4),
    ],
    expected_failed_checks=reasons,
)
def test_scikit_learns_checks_pass(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
