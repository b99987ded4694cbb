"""How strange a row of interactions is: feature errors -> score, and what each item adds to it.

Higher is stranger. What a score means, its p-value and the threshold, is in calibration.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.autoencoders.base import Network
from models.autoencoders.losses import LOSSES
from models.rows import Rows, SparseRows

CHUNK = 64
"""Rows of one forward pass: bounds memory at CHUNK x n_items, whatever the history."""


@dataclass(frozen=True)
class RowScore:
    """The anomaly score of one row, split over the row's items.

    item_nums, observed, expected, contributions: (n_observed,) each. The contributions and
    `rest`, what the unobserved items add, sum to `score`.
    """

    score: float
    item_nums: Tensor
    observed: Tensor
    expected: Tensor
    contributions: Tensor
    rest: float


def score_row(network: Network, x: SparseRows) -> RowScore:
    """The anomaly score of a batch of one row; an empty row scores 0.

    Multinomial: mean over the row's items of -log p(item | the other items), so that it does not
    grow with the length of the row. Other losses: mean squared error over all items, or over those
    observed where the others say nothing.
    """
    if not len(x.indices):
        return RowScore(0.0, x.indices, x.values, x.values, x.values, 0.0)
    with torch.inference_mode():
        if network.loss_name == "multinomial":
            return _surprise(network, x)
        return _squared_error(network, x)


def _surprise(network: Network, x: SparseRows) -> RowScore:
    chosen = torch.split(torch.arange(len(x.indices)), CHUNK)
    log_p = torch.cat([_log_p_left_out(network, x, entries) for entries in chosen])
    contributions = -log_p / len(log_p)
    expected = log_p.exp() * x.values.sum()
    score = float(contributions.sum())
    return RowScore(score, x.indices, x.values, expected, contributions, 0.0)


def _log_p_left_out(network: Network, x: SparseRows, entries: Tensor) -> Tensor:
    """log p(item | the row without it) for some entries of a row: (n_entries,)."""
    logits = network.logits(leave_each_out(x, entries))
    own = logits.gather(1, x.indices[entries][:, None])[:, 0]
    return own - torch.logsumexp(logits, dim=1)


def leave_each_out(x: SparseRows, entries: Tensor) -> SparseRows:
    """One row for each of the entries: the row of x, a batch of one, without that entry."""
    n = len(x.indices)
    columns = torch.arange(n).expand(len(entries), n)
    kept = columns[columns != entries[:, None]]  # (n_entries * (n - 1),)
    offsets = torch.arange(len(entries) + 1) * (n - 1)
    return SparseRows(offsets, x.indices[kept], x.values[kept], x.n_items)


def _squared_error(network: Network, x: SparseRows) -> RowScore:
    expected = network.reconstruct(x)[0]
    observed = x.to_dense()[0]
    if LOSSES[network.loss_name].of_observed:
        errors = torch.zeros_like(observed)
        errors[x.indices] = (x.values - expected[x.indices]).square() / len(x.indices)
    else:
        errors = (observed - expected).square() / x.n_items
    own = errors[x.indices]
    score = float(errors.sum())
    rest = score - float(own.sum())
    return RowScore(score, x.indices, x.values, expected[x.indices], own, rest)


def feature_errors(network: Network, x: Rows) -> Tensor:
    """Squared reconstruction error of each feature, (batch, n_features).

    Unobserved items count too: a missing habit is as strange as a new one.
    """
    with torch.inference_mode():
        return (x.to_dense() - network.reconstruct(x)).square()
