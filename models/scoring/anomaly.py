"""How strange a row of interactions is: surprises -> score, and what each item adds to it.

Higher is stranger. What a score means, its p-value and the threshold, is in calibration.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.autoencoders.base import Network
from models.autoencoders.losses import LOSSES
from models.progress import OnChunk, untold
from models.rows import Rows, SparseRows
from models.scoring.surprise import Surprises, surprises
from models.scoring.usual import NOTHING, Usual


@dataclass(frozen=True)
class Scale:
    """What surprises of a network are measured with."""

    temperature: float = 1.0
    """Of `surprise.py`."""
    usual: Usual = NOTHING
    """The mean surprise of usual rows, by their number of items."""


@dataclass(frozen=True)
class RowScore:
    """The anomaly score of one row, split over the row's items.

    item_nums, observed, expected, surprises, contributions: (n_observed,) each. The contributions
    sum to `score`.
    """

    score: float
    item_nums: Tensor
    observed: Tensor
    expected: Tensor
    surprises: Tensor
    contributions: Tensor


@dataclass(frozen=True)
class RowScores:
    """Of many rows: a score each (batch,), and the surprises of all entries in their order."""

    scores: Tensor
    entries: Surprises


def score_row(network: Network, x: SparseRows, scale: Scale) -> RowScore:
    """The anomaly score of a batch of one row; an empty row scores 0."""
    scored = score_rows(network, x, scale)
    surprise = scored.entries.values
    median, spread = scale.usual.at(x.lengths)
    contributions = (surprise - median) / (spread * max(len(surprise), 1))
    return RowScore(
        float(scored.scores),
        x.indices,
        x.values,
        scored.entries.expected,
        surprise,
        contributions,
    )


def score_rows(
    network: Network,
    x: SparseRows,
    scale: Scale,
    *,
    on_chunk: OnChunk = untold,
) -> RowScores:
    """The anomaly score of each row: the mean surprise of its items, less what is usual for rows
    of as many items, in deviations of those. Rows do not depend on each other.
    """
    entries = surprises(network, x, temperature=scale.temperature, on_chunk=on_chunk)
    return RowScores(standard_scores(mean_surprises(x, entries.values), x.lengths, scale), entries)


def quick_surprise(network: Network, x: SparseRows, scale: Scale) -> Tensor:
    """The mean surprise of each row's items with none of them left out, (batch,): one pass for all,
    good to choose by whom to look at well.
    """
    with torch.inference_mode():
        logits = network.logits(x) / scale.temperature
    if LOSSES[network.loss_name].of_observed:
        errors = (x.values - logits[x.row_nums, x.indices]).square()
    else:
        errors = torch.logsumexp(logits, dim=1)[x.row_nums] - logits[x.row_nums, x.indices]
    return mean_surprises(x, errors.double())


def mean_surprises(x: SparseRows, surprise: Tensor) -> Tensor:
    """Of each row the mean over its entries (nnz,), float64; an empty row has 0."""
    sums = torch.zeros(len(x), dtype=torch.float64).index_add_(0, x.row_nums, surprise)
    return sums / x.lengths.clamp_min(1)


def standard_scores(means: Tensor, lengths: Tensor, scale: Scale) -> Tensor:
    """Mean surprises (batch,) beside the usual ones of rows as long; empty rows score 0."""
    median, spread = scale.usual.at(lengths)
    return torch.where(lengths > 0, (means - median) / spread, 0.0)


def feature_errors(network: Network, x: Rows) -> Tensor:
    """Squared reconstruction error of each feature, (batch, n_features).

    Unobserved items count too: a missing habit is as strange as a new one.
    """
    with torch.inference_mode():
        return (x.to_dense() - network.reconstruct(x)).square()
