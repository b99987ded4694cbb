"""What is usual at each size: scores that grow with activity are compared among the equally active.

A piecewise linear curve of the median and the spread over log size. Not a p-value.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

MIN_SCORES = 20
"""With fewer, nothing is known of what is usual, and scores stay as they are."""
PER_KNOT = 20
MAX_KNOTS = 12
NORMAL = 1.4826
"""Deviations of a normal distribution in one median absolute deviation."""
LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class Usual:
    """`curve` (3, n_knots): log sizes, rising, with median and deviation of the scores there."""

    curve: Tensor

    def at(self, sizes: Tensor) -> tuple[Tensor, Tensor]:
        """Median and deviation at these sizes (n,), both (n,) float64."""
        if not self.curve.shape[1]:
            return torch.zeros(len(sizes)).double(), torch.ones(len(sizes)).double()
        x = log_size(sizes).clamp(self.curve[0, 0], self.curve[0, -1])
        right = torch.searchsorted(self.curve[0].contiguous(), x).clamp(1, max(1, self.n_knots - 1))
        if self.n_knots == 1:
            return self.curve[1].expand(len(x)), self.curve[2].expand(len(x))
        (x0, *y0), (x1, *y1) = self.curve[:, right - 1], self.curve[:, right]
        share = (x - x0) / (x1 - x0)
        median, spread = (a + share * (b - a) for a, b in zip(y0, y1, strict=True))
        return median, spread

    @property
    def n_knots(self) -> int:
        return self.curve.shape[1]


NOTHING = Usual(torch.zeros(3, 0, dtype=torch.float64))
"""Nothing is known: scores stay as they are."""


def log_size(sizes: Tensor) -> Tensor:
    """log(1 + size), float64."""
    return torch.log1p(sizes.double())


def fit_usual(scores: Tensor, sizes: Tensor) -> Usual:
    """The curve of scores (n,) at sizes (n,): of each stretch of sizes with as many scores."""
    if len(scores) < MIN_SCORES:
        return NOTHING
    order = torch.argsort(sizes, stable=True)
    n_knots = max(1, min(MAX_KNOTS, len(scores) // PER_KNOT))
    x, y = log_size(sizes)[order], scores.double()[order]
    knots: dict[float, Tensor] = {}
    for part in torch.arange(len(y)).tensor_split(n_knots):
        median = y[part].median()
        spread = NORMAL * (y[part] - median).abs().median()
        least = LEAST_SPREAD * max(1.0, abs(float(median)))
        place = float(x[part].median())
        knots[place] = torch.stack([x[part].median(), median, spread.clamp_min(least)])
    return Usual(torch.stack(list(knots.values()), dim=1))
