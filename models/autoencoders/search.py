"""Choosing one number by how validation users judge. Not the judging."""

import math
from collections.abc import Callable, Sequence

Judge = Callable[[], float]
"""How well the network, as it now stands, does for users it was not trained on; more is better."""


def best_of(
    candidates: Sequence[float],
    apply: Callable[[float], None],
    judge: Judge | None,
    *,
    start: float,
) -> float:
    """The candidate at which the judge is highest; it is the one applied when this returns.

    It climbs from the candidate nearest to `start` by ratio as long as the neighbour is better:
    right when the judgement has one hill. Without a judge the nearest is taken as it is.
    """
    ordered = sorted(candidates)
    nearest = min(range(len(ordered)), key=lambda num: abs(math.log(ordered[num] / start)))
    if judge is None or len(ordered) == 1:
        apply(ordered[nearest])
        return ordered[nearest]
    climb = _Climb(ordered, apply, judge)
    best = climb.towards(climb.towards(nearest, 1), -1)
    if climb.applied != best:
        apply(ordered[best])
    return ordered[best]


class _Climb:
    """Judges each candidate at most once."""

    def __init__(
        self, candidates: Sequence[float], apply: Callable[[float], None], judge: Judge
    ) -> None:
        self._candidates = candidates
        self._apply = apply
        self._judge = judge
        self._judged: dict[int, float] = {}
        self.applied = -1

    def towards(self, place: int, step: int) -> int:
        """The last place, going that way, before the judgement stops rising."""
        while 0 <= place + step < len(self._candidates) and (
            self._at(place + step) > self._at(place)
        ):
            place += step
        return place

    def _at(self, place: int) -> float:
        if place not in self._judged:
            self._apply(self._candidates[place])
            self._judged[place] = self._judge()
            self.applied = place
        return self._judged[place]
