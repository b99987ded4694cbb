"""Anomaly detection on tables of numbers: the detector of models/detectors behind scikit-learn.

Scores are those of the detector to the last digit, with scikit-learn's sign.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from models.detectors.cells import RowProblem, Table
from models.detectors.detector import DetectorConfig
from models.detectors.explanation import column_errors
from models.detectors.fit import fit_detector
from models.detectors.members import MemberName
from models.detectors.objectives import KindName
from models.detectors.recipes import Form, Regime
from models.detectors.told import Scored
from models.errors import ConfigError, RowsError
from models.estimators.base import Array, generator_of


class AutoencoderOutlierDetector(OutlierMixin, BaseEstimator):
    """Tables of numbers, NaN where missing, to a score a row; as scikit-learn has it, lower is
    stranger.

    `contamination`, in (0, 0.5], is the share of the training rows that are called outliers; "auto"
    estimates it. `calibration_share` of them are held out for `p_values`. The other parameters are
    those of `DetectorConfig`, where the regime "auto" is "contaminated". Learns `detector_`,
    `contamination_`, and `offset_`, the score below which rows are outliers.
    """

    def __init__(
        self,
        kind: KindName = "denoising",
        *,
        regime: Regime | Literal["auto"] = "auto",
        form: Form = "full",
        members: Sequence[MemberName] = (),
        contamination: float | Literal["auto"] = "auto",
        calibration_share: float = 0.0,
        random_state: Any = 0,
    ) -> None:
        self.kind = kind
        self.regime = regime
        self.form = form
        self.members = members
        self.contamination = contamination
        self.calibration_share = calibration_share
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> Self:
        """Fit the detector, and `offset_` to its scores of the same rows."""
        share = self.contamination
        if share != "auto" and not (isinstance(share, Real) and 0 < share <= 0.5):
            detail = f"contamination is {share!r}; it must be 'auto' or in (0, 0.5]."
            raise ConfigError("contamination", detail)
        config = DetectorConfig(
            regime=self.regime,
            form=self.form,
            kind=self.kind,
            members=tuple(self.members),
            calibration_share=self.calibration_share,
        )
        table = self._table(X, reset=True)
        fitted = fit_detector(table, config, generator=generator_of(self.random_state))
        _refuse(fitted.problems)
        self.detector_ = fitted.detector
        self.contamination_ = self.detector_.contamination if share == "auto" else float(share)
        self.offset_ = float(np.quantile(self.score_samples(X), self.contamination_))
        return self

    def feature_errors(self, X: Any) -> Array:
        """How much each feature adds to a row's strangeness, (n_rows, n_features).

        They sum to the score, but for its sign and for what belongs to no feature.
        """
        table = self._fitted_table(X)
        prepared = self.detector_.preparation.prepare(table)
        _refuse(prepared.problems)
        errors: Array = column_errors(self.detector_, prepared)[:, :-1].numpy()
        return errors

    def p_values(self, X: Any) -> Array:
        """Share of held-out rows at least as strange, (n_rows,); needs a `calibration_share`."""
        p = self._scored(X).p_values
        if p is None:
            detail = "No rows were held out; fit with calibration_share above 0."
            raise ConfigError("calibration_share", detail)
        values: Array = p.numpy()
        return values

    def score_samples(self, X: Any) -> Array:
        """Minus the anomaly score of each row, (n_rows,)."""
        negated: Array = -self._scored(X).scores.numpy()
        return negated

    def decision_function(self, X: Any) -> Array:
        """The score above `offset_`, (n_rows,); negative for outliers."""
        check_is_fitted(self)
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> Array:
        """-1 for outliers, 1 for the others, (n_rows,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _scored(self, X: Any) -> Scored:
        scored = self.detector_.score(self._fitted_table(X))
        _refuse(scored.problems)
        return scored

    def _fitted_table(self, X: Any) -> Table:
        check_is_fitted(self)
        return self._table(X, reset=False)

    def _table(self, X: Any, *, reset: bool) -> Table:
        least = {"ensure_min_samples": 2} if reset else {}
        checked: Array = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", **least
        )
        names = getattr(self, "feature_names_in_", range(checked.shape[1]))
        return {str(name): checked[:, num] for num, name in enumerate(names)}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _refuse(problems: Sequence[RowProblem]) -> None:
    """Raise RowsError where rows cannot be used: an array of answers has no place for that."""
    if problems:
        first = problems[0]
        detail = f"{len(problems)} rows cannot be used; row {first.row}: {first.detail}"
        raise RowsError(detail)
