"""Dimensionality reduction: a row's code, and the row back from its code."""

from typing import Any

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from models.errors import RowsError
from models.estimators.base import Array
from models.estimators.dense import DenseEstimator


class AutoencoderTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, DenseEstimator):
    """Tables of real numbers to codes and back; for data that do not lie near a flat plane."""

    def transform(self, X: Any) -> Array:
        """The code of each row, (n_rows, n_features) -> (n_rows, latent_dim)."""
        with torch.inference_mode():
            codes = torch.cat([self.network_.encode(rows) for rows in self._rows(X)])
        return codes.numpy().astype(_dtype_of(X), copy=False)

    def inverse_transform(self, X: Any) -> Array:
        """The row that each code stands for, (n_rows, latent_dim) -> (n_rows, n_features)."""
        check_is_fitted(self)
        codes = check_array(X, dtype=[np.float64, np.float32])
        if codes.shape[1] != self._n_features_out:
            detail = f"The codes have {codes.shape[1]} columns, the network {self._n_features_out}."
            raise RowsError(detail)
        with torch.inference_mode():
            rows = self.network_.decode(torch.from_numpy(codes).double()).numpy()
        table: Array = (rows * self.scale_ + self.mean_).astype(codes.dtype, copy=False)
        return table

    @property
    def _n_features_out(self) -> int:
        """The width of the code."""
        with torch.inference_mode():
            nothing = torch.zeros(1, self.n_features_in_, dtype=torch.float64)
            return int(self.network_.encode(nothing).shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _dtype_of(X: Any) -> Any:
    """float32 for a table of that type, else float64."""
    return np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64
