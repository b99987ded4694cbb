"""Stretches of strange positions in series: which belong together, what the strangest has."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class Stretch:
    """Neighbouring positions, start <= t < stop, that are all strange. Of the strangest of them:
    peak, its number; its score and p-value.
    """

    start: int
    stop: int
    peak: int
    score: float
    p_value: float


def stretches_of(
    strange: Tensor, scores: Tensor, p_values: Tensor, series: Tensor
) -> tuple[Stretch, ...]:
    """The stretches of positions, the strangest first.

    strange (n,) bool; scores, p_values (n,); series (n,): positions of one stand together, and a
    stretch does not go from one into the next.
    """
    marks = np.where(strange.numpy(), series.numpy(), -1)
    edges = np.flatnonzero(np.diff(np.concatenate([[-1], marks, [-1]])))
    found = []
    for start, stop in zip(edges.tolist(), edges.tolist()[1:], strict=False):
        if marks[start] >= 0:
            peak = start + int(scores[start:stop].argmax())
            found.append(Stretch(start, stop, peak, float(scores[peak]), float(p_values[peak])))
    return tuple(sorted(found, key=lambda each: -each.score))
