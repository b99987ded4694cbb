"""What the scores of training rows tell by themselves: a typical one, and roughly how many are
strange. Strange rows that score like the usual ones, or are most of the table, are not told.
"""

from torch import Tensor

REACH = 5.0
"""Distances from the median to the upper quartile beyond which a score is not that of a tail: 3.4
standard deviations of a normal."""
LEAST_SCORES = 20
"""Fewer tell nothing: 0."""


def estimate_contamination(scores: Tensor) -> float:
    """The share of scores (n,) that lie too far above the median, as logarithms; at most a quarter,
    of which the quartile is still one of the usual rows.
    """
    if len(scores) < LEAST_SCORES:
        return 0.0
    logs = scores.clamp_min(1e-12).log().sort().values
    middle, upper = logs[len(logs) // 2], logs[(3 * len(logs)) // 4]
    return float((logs > middle + REACH * (upper - middle)).double().mean())


def typical_of(scores: Tensor) -> float:
    """What a typical score (n,) is: the median; the mean where most are next to nothing, as of
    copies of each other.
    """
    median, mean = float(scores.median()), float(scores.mean())
    return median if median > 1e-3 * mean else mean or 1.0
