"""From what is known of an item to the logits it would have: a ridge regression on its content.

A logit is linear in the item's row of the last layer, whatever the kind. So the ridge regression
of the rows of items on their features, which gives a row to an item that has none, is the same as
one of the logits themselves:

    logit_c = m + (f_c - f_m)' (F'WF + lambda I)^-1 F'W (logits - m) + level * s

F holds the features of the items that the network knows, less their mean f_m, W how far each of
their rows is to be believed; m and s are mean and deviation of the logits of one history. It also
serves kinds without such rows. Where features come from is not here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

Array = np.ndarray[Any, Any]
Csr = sparse.csr_array[Any, Any]

TINY = 1e-12
"""In place of a deviation of 0."""


@dataclass(frozen=True)
class Tower:
    """The fitted map, float32."""

    features: Csr
    """Of the items that the network knows, (n_known, n_features)."""
    weights: Array
    """W as shares of 1, (n_known,)."""
    inverse: Array
    """(F'WF + lambda I)^-1, (n_features, n_features)."""
    level: float = 0.0
    """In deviations of a history's logits: added, so that items from content get their share of
    places. A longer history may have larger logits, and then it is more.
    """

    def logits(self, known: Array, features: Csr) -> Array:
        """Logits (batch, n_items) of items with these features (n_items, n_features).

        known: the network's logits of the items it was fitted on, (batch, n_known).
        """
        mean = known @ self.weights  # (batch,)
        centred = known - mean[:, None]
        moments = self.features.T @ (self.weights[:, None] * centred.T)
        slopes = self.inverse @ moments  # (n_features, batch)
        center = self.features.T @ self.weights @ slopes
        level = mean + self.level * self.deviations(known)
        logits: Array = (features @ slopes - center).T + level[:, None]
        return logits

    def deviations(self, known: Array) -> Array:
        """The deviation s of the logits of each row, (batch,)."""
        mean = known @ self.weights
        deviations: Array = np.sqrt((known - mean[:, None]) ** 2 @ self.weights)
        return deviations


class Towers:
    """Towers of any ridge on one set of features: what they share is worked out once."""

    def __init__(self, features: Csr, weights: Array) -> None:
        self._features = features
        self._weights = weights / weights.sum()
        mean = features.T @ self._weights
        weighed = sparse.csr_array(sparse.diags_array(self._weights) @ features)
        squares = (features.T @ weighed).toarray().astype(np.float64)
        self._moments = squares - np.outer(mean, mean)

    def fit(self, ridge: float, *, level: float = 0.0) -> Tower:
        """The tower of this ridge: lambda, where the weights add up to 1."""
        moments = self._moments.copy()
        moments[np.diag_indices_from(moments)] += ridge
        inverse = linalg.inv(moments, overwrite_a=True, check_finite=False)
        return Tower(
            self._features.astype(np.float32),
            self._weights.astype(np.float32),
            inverse.astype(np.float32),
            level,
        )


def level_for(known: Array, cold: Array, *, deviations: Array, share: float, places: int) -> float:
    """What to add to all of `cold` (batch, n_cold), in the deviation of each row (batch,), so that
    they get this share of the first `places` of all rows beside `known` (batch, n_known).
    """
    places = min(places, known.shape[1], cold.shape[1])
    best_known, best_cold = _best(known, places), _best(cold, places)
    # Item i of the cold is in front when it beats the known one that it would push off the list.
    gaps = (best_known[:, ::-1] - best_cold) / np.maximum(deviations, TINY)[:, None]
    gaps = np.sort(gaps[np.isfinite(gaps)])
    wanted = round(share * places * len(known))
    return float(gaps[min(wanted, len(gaps) - 1)]) if len(gaps) else 0.0


def _best(logits: Array, places: int) -> Array:
    """The highest of each row, highest first, (batch, places)."""
    return -np.sort(np.partition(-logits, places - 1, axis=1)[:, :places], axis=1)
