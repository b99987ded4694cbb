"""Anomaly detection on tables: a row that the network cannot rebuild is strange."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted

from models.errors import ConfigError
from models.estimators.base import Array
from models.estimators.dense import DenseEstimator
from models.scoring.anomaly import anomaly_scores, feature_errors


class AutoencoderOutlierDetector(OutlierMixin, DenseEstimator):
    """Tables of real numbers to a score a row, as scikit-learn has it: lower is stranger.

    `contamination`, in (0, 0.5], is the share of the training rows that are called outliers; the
    score below which they lie is learned as `offset_`.
    """

    def __init__(
        self,
        kind: str = "undercomplete",
        *,
        latent_dim: int | None = None,
        options: Mapping[str, Any] | None = None,
        contamination: float = 0.1,
        scaling: str = "column",
        epochs: int = 100,
        learning_rate: float = 0.01,
        batch_size: int = 50,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            kind,
            latent_dim=latent_dim,
            options=options,
            scaling=scaling,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            random_state=random_state,
        )
        self.contamination = contamination

    def fit(self, X: Any, y: None = None) -> Self:
        """Fit the network, and `offset_` to its scores of the same rows."""
        if not 0 < self.contamination <= 0.5:
            detail = f"contamination is {self.contamination}; it must be in (0, 0.5]."
            raise ConfigError("contamination", detail)
        super().fit(X)
        self.offset_ = float(np.quantile(self.score_samples(X), self.contamination))
        return self

    def feature_errors(self, X: Any) -> Array:
        """How much each feature adds to a row's strangeness, (n_rows, n_features).

        Squared errors of the standardised row; their mean is the score, but for its sign.
        """
        errors: Array = torch.cat(
            [feature_errors(self.network_, rows) for rows in self._rows(X)]
        ).numpy()
        return errors

    def score_samples(self, X: Any) -> Array:
        """Minus the mean of the feature errors of each row, (n_rows,)."""
        scores = torch.cat([anomaly_scores(self.network_, rows) for rows in self._rows(X)])
        negated: Array = -scores.numpy()
        return negated

    def decision_function(self, X: Any) -> Array:
        """The score above `offset_`, (n_rows,); negative for outliers."""
        check_is_fitted(self)
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> Array:
        """-1 for outliers, 1 for the others, (n_rows,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)
