"""What labels do to a detector, on request: what its columns count is fitted to them anew.

Members stay as they were fitted, and contributions still sum to the score. Not what labels do to a
threshold, which is at once: models/scoring/labels.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor

from models.detectors.told import Detector
from models.errors import RowsError

PRIOR = 0.1
"""What a change of weights costs beside the mean loss of a pair; chosen as the detector was, on
ADBench's tune sets (docs/adr/0015-labels-weigh-columns.md)."""
LEAST = 1e-12
"""Below any score: what stands for a row that is rebuilt without error."""


@dataclass(frozen=True)
class Figures:
    """How well scores tell confirmed anomalies from false alarms; None without some of each."""

    auroc: float | None
    average_precision: float | None


@dataclass(frozen=True)
class Reweighted:
    """A detector of new weights, with the figures of the labelled rows: under the former weights,
    and under new ones in which the row that is judged had no part.
    """

    detector: Detector
    before: Figures
    after: Figures


def reweight(detector: Detector, columns: Tensor, is_right: Tensor) -> Reweighted:
    """The detector with the weights that labelled rows speak for, calibrated anew.

    columns (n_rows, n_columns + 1), as `RowDetector.columns` has it; is_right (n_rows,) bool: a
    confirmed anomaly, else a false alarm. Former weights have no part in the new ones. Rows held
    out keep their median score. Deterministic. Raises RowsError without one of each.
    """
    n_right, n_false = int(is_right.sum()), int((~is_right).sum())
    if not (n_right and n_false):
        raise RowsError(
            f"{n_right} rows are labelled right and {n_false} false alarms; new weights take at "
            "least one of each. Label more."
        )
    weights = refitted(columns, is_right)
    rows = detector.held_out if len(detector.held_out) else columns
    former, present = (
        float(_scores(rows, each).median()) for each in (detector.column_weights, weights)
    )
    weights = weights * (former / present if present else 1.0)
    return Reweighted(
        detector.weigh(weights),
        before=figures(_scores(columns, detector.column_weights), is_right),
        after=figures(_left_out_scores(columns, is_right), is_right),
    )


def refitted(columns: Tensor, is_right: Tensor) -> Tensor:
    """The weights exp(u_j), (n_columns + 1,), the u those with the least

    mean over pairs of softplus(log s(false) - log s(right)) + PRIOR / 2 sum u_j^2,

    a pair being a confirmed anomaly and a false alarm, and s(x) = sum_j exp(u_j) c_j(x): a pairwise
    logistic loss (Burges et al. 2005) of the logarithms of scores, whose scale says nothing, held
    near weights of one. Ones where one of the two is lacking.
    """
    right, false = columns[is_right], columns[~is_right]
    if not (len(right) and len(false)):
        return columns.new_ones(columns.shape[1])

    def loss(u: Tensor) -> Tensor:
        strange, usual = (_scores(rows, u.exp()).clamp_min(LEAST).log() for rows in (right, false))
        pairs = torch.nn.functional.softplus(usual[None, :] - strange[:, None])
        return pairs.mean() + PRIOR / 2 * u.square().sum()

    return _least(loss, columns.shape[1]).exp()


def figures(scores: Tensor, is_right: Tensor) -> Figures:
    """AUROC and average precision of scores (n,)."""
    if not 0 < int(is_right.sum()) < len(is_right):
        return Figures(None, None)
    labels, values = is_right.numpy(), scores.numpy()
    return Figures(
        float(roc_auc_score(labels, values)), float(average_precision_score(labels, values))
    )


def _left_out_scores(columns: Tensor, is_right: Tensor) -> Tensor:
    """The score of each row under the weights that the other rows speak for, (n_rows,).

    Each is told beside the others' mean under the same weights, whose scale says nothing.
    """
    scores = []
    for num in range(len(columns)):
        others = torch.arange(len(columns)) != num
        weights = refitted(columns[others], is_right[others])
        mean = _scores(columns[others], weights).mean().clamp_min(LEAST)
        scores.append(_scores(columns[num : num + 1], weights)[0] / mean)
    return torch.stack(scores)


def _scores(columns: Tensor, weights: Tensor) -> Tensor:
    return (columns * weights).sum(dim=1)


def _least(loss: Callable[[Tensor], Tensor], n: int) -> Tensor:
    """Where the loss of n numbers is least, from zeros on."""

    def value_and_gradient(x: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        u = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        value = loss(u)
        (gradient,) = torch.autograd.grad(value, u)
        return value.item(), gradient.numpy()

    found = minimize(value_and_gradient, np.zeros(n), jac=True, method="L-BFGS-B")
    return torch.from_numpy(found.x)
