"""How far a row is from its nearest training rows, feature by feature. Not an index: exact search.

Ramaswamy et al. 2000, Angiulli & Pizzuti 2002; the score is the mean squared distance to k
neighbours, so that each feature has its share of it.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from models.detectors.preparation import soft_bound

MAX_REFERENCE = 10_000
"""Training rows that are kept; of more, a random part."""
LEAST_SPREAD = 0.1
"""A quartile range below this share of the deviation is that of a feature that rarely varies."""
CHUNK = 512
"""Rows that look for their neighbours together, at most."""
CELLS = 1 << 23
"""Differences to neighbours that are in memory at a time."""
AS_NEAR = 1e-6
"""Difference up to which two distances, of standardised rows, are the same."""
SAME = 1e-10
"""Squared distance to a row, as a share of that to the farthest neighbour, up to which it is the
row itself: a code is rounded otherwise in another batch."""


@dataclass(frozen=True)
class Neighbours:
    """The training rows that others are compared with: reference (n_reference, n_features) float32.

    centre, scale (n_features,): how features are seen when rows are compared. skips_itself: of rows
    exactly like the one that is scored, one is not counted; for detectors that score the very rows
    on which they were fitted.
    """

    reference: Tensor
    centre: Tensor
    scale: Tensor
    k: int
    skips_itself: bool
    tells_features: ClassVar[bool] = True

    @staticmethod
    def fit(
        x: Tensor,
        *,
        k: int,
        skips_itself: bool,
        generator: torch.Generator,
        robust: bool = False,
    ) -> "Neighbours":
        """Keep the rows x (n_rows, n_features), at most MAX_REFERENCE of them.

        robust: features by their median and quartiles, so that a long tail takes no room.
        """
        centre, scale = _quartiles(x) if robust else (torch.zeros_like(x[0]), torch.ones_like(x[0]))
        if len(x) > MAX_REFERENCE:
            x = x[torch.randperm(len(x), generator=generator)[:MAX_REFERENCE]]
        return Neighbours(x.float(), centre, scale, k, skips_itself)

    def errors(self, x: Tensor, along: Tensor | None = None) -> Tensor:
        """Mean squared difference to the neighbours in each feature, (n_rows, n_features).

        along (n_features, n): in each of these directions instead, (n_rows, n).
        """
        seen, reference = self._seen(x), self._seen(self.reference)
        width = seen.shape[1] if along is None else along.shape[1]
        parts = []
        for rows in torch.split(seen, max(1, min(CHUNK, CELLS // max(self._n * width, 1)))):
            near = _nearest(rows, reference, self.k, self.skips_itself)
            differences = rows[:, None] - reference[near]
            if along is not None:
                differences = differences @ along
            parts.append(differences.square().mean(dim=1))
        return torch.cat(parts)

    def expected(self, x: Tensor) -> Tensor:
        """The mean of the neighbours, (n_rows, n_features)."""
        seen, reference = self._seen(x), self._seen(self.reference)
        parts = [
            self.reference[_nearest(rows, reference, self.k, self.skips_itself)]
            for rows in torch.split(seen, CHUNK)
        ]
        return torch.cat(parts).double().mean(dim=1)

    def around(self, x: Tensor, values: Tensor, *, k: int) -> Tensor:
        """The mean of values (n_reference, n) over the k nearest reference rows and all that are as
        near as the last of them: which of several as near it would be depends on the batch.
        (n_rows, n)
        """
        seen, reference = self._seen(x), self._seen(self.reference)
        parts = []
        for rows in torch.split(seen, CHUNK):
            distances = torch.cdist(rows, reference)
            reach = distances.topk(min(k, len(reference)), largest=False).values[:, -1:]
            near = (distances <= reach * (1 + AS_NEAR) + AS_NEAR).double()
            parts.append(near @ values / near.sum(dim=1, keepdim=True))
        return torch.cat(parts)

    @property
    def _n(self) -> int:
        return min(self.k, len(self.reference))

    def _seen(self, x: Tensor) -> Tensor:
        return soft_bound((x.float().double() - self.centre) / self.scale)


def _quartiles(x: Tensor) -> tuple[Tensor, Tensor]:
    """Median and normalised quartile range of each feature; its deviation, where that is small."""
    deviation = x.std(dim=0, correction=0).clamp_min(1e-9)
    ordered = x.sort(dim=0).values
    low, high = ordered[len(x) // 4], ordered[(3 * len(x)) // 4]
    spread = (high - low) / 1.349
    small = spread < LEAST_SPREAD * deviation
    return ordered[len(x) // 2], torch.where(small, deviation, spread)


def _nearest(x: Tensor, reference: Tensor, k: int, skips_itself: bool) -> Tensor:
    """Which reference rows are the k neighbours of each row, (n_rows, k)."""
    n_asked = min(k + skips_itself, len(reference))
    near = torch.cdist(x, reference).topk(n_asked, largest=False).indices
    if not skips_itself or n_asked == 1:
        return near
    # One neighbour less: the row itself where it is among them, else the farthest.
    squared = (x[:, None] - reference[near]).square().sum(dim=2)  # (n_rows, k + 1)
    is_there = squared.amin(dim=1) <= SAME * squared.amax(dim=1)
    dropped = torch.where(is_there, squared.argmin(dim=1), squared.argmax(dim=1))
    kept = torch.arange(n_asked) != dropped[:, None]
    return near[kept].reshape(len(x), n_asked - 1)
