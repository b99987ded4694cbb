"""How far a row is from the middle of the training rows, along directions in which those vary.

The covariance is shrunk (Ledoit & Wolf 2004), so that it has an inverse for any number of rows.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from sklearn.covariance import ledoit_wolf
from torch import Tensor


@dataclass(frozen=True)
class Mahalanobis:
    """centre (n_features,) and whitening (n_features, n_features), the root of the precision.

    The symmetric root: of all whitenings it leaves each feature nearest to itself (Kessy et al.
    2018), which is what makes its squares the shares of the features.
    """

    centre: Tensor
    whitening: Tensor
    tells_features: ClassVar[bool] = True

    @staticmethod
    def fit(x: Tensor) -> "Mahalanobis":
        """Of the rows x (n_rows, n_features) float64."""
        covariance = torch.from_numpy(ledoit_wolf(x.numpy())[0])
        values, vectors = torch.linalg.eigh(covariance)
        floor = values[-1].clamp_min(1e-12) * 1e-9
        root = vectors @ torch.diag(values.clamp_min(floor).rsqrt()) @ vectors.T
        return Mahalanobis(x.mean(dim=0), root)

    def errors(self, x: Tensor) -> Tensor:
        """Squares that sum to the squared Mahalanobis distance, (n_rows, n_features)."""
        return ((x - self.centre) @ self.whitening).square()
