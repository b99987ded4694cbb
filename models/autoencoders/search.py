"""Choosing numbers by how validation users judge. Not the judging."""

import math
from collections.abc import Callable, Mapping, Sequence

Judge = Callable[[], float]
"""How well the network, as it now stands, does for users it was not trained on; more is better."""

Numbers = dict[str, float]
"""One value of each option."""


def best_options(
    candidates: Mapping[str, Sequence[float]],
    value: Callable[[Numbers], float],
    *,
    start: Mapping[str, float],
) -> Numbers:
    """The candidates at which the value is highest, one of each option.

    It climbs one option after another, from the candidates nearest to `start`, as long as a
    neighbour is better: right when the value has one hill. It looks at none twice.
    """
    ordered = {name: sorted(values) for name, values in candidates.items()}
    place = {name: _nearest(ordered[name], start[name]) for name in ordered}
    climb = _Climb(ordered, value)
    while True:
        before = dict(place)
        for name in ordered:
            climb.along(name, place)
        if place == before:
            return climb.numbers(place)


def settle(
    candidates: Mapping[str, Sequence[float]],
    apply: Callable[[Numbers], None],
    judge: Judge | None,
    *,
    start: Mapping[str, float],
) -> Numbers:
    """The candidates that the judge likes best once they are applied, found by a climb; without a
    judge, or a choice, those nearest to `start`, and nothing is applied.

    What was applied last need not be the best.
    """
    if judge is None or max(map(len, candidates.values())) == 1:
        return {name: nearest(values, start[name]) for name, values in candidates.items()}

    def value(numbers: Numbers) -> float:
        apply(numbers)
        return judge()

    return best_options(candidates, value, start=start)


def best_of(
    candidates: Sequence[float],
    apply: Callable[[float], None],
    judge: Judge | None,
    *,
    start: float,
) -> float:
    """The candidate of one option that `settle` finds; it is the one applied at the end."""
    applied = math.nan

    def take(numbers: Numbers) -> None:
        nonlocal applied
        applied = numbers["it"]
        apply(applied)

    best = settle({"it": candidates}, take, judge, start={"it": start})["it"]
    if applied != best:
        apply(best)
    return best


def nearest(candidates: Sequence[float], start: float) -> float:
    """The candidate nearest to `start` by ratio."""
    ordered = sorted(candidates)
    return ordered[_nearest(ordered, start)]


def _nearest(ordered: Sequence[float], start: float) -> int:
    def distance(num: int) -> float:
        return abs(math.log(ordered[num] / start)) if ordered[num] > 0 else math.inf

    return min(range(len(ordered)), key=distance)


class _Climb:
    """Looks at each place, a number of a candidate for each option, at most once."""

    def __init__(
        self, ordered: Mapping[str, Sequence[float]], value: Callable[[Numbers], float]
    ) -> None:
        self._ordered = ordered
        self._value = value
        self._seen: dict[tuple[int, ...], float] = {}

    def numbers(self, place: Mapping[str, int]) -> Numbers:
        return {name: self._ordered[name][num] for name, num in place.items()}

    def along(self, name: str, place: dict[str, int]) -> None:
        """Move the place of one option until its neighbours are no better."""
        for step in (1, -1):
            while 0 <= place[name] + step < len(self._ordered[name]):
                there = {**place, name: place[name] + step}
                if self._at(there) <= self._at(place):
                    break
                place.update(there)

    def _at(self, place: Mapping[str, int]) -> float:
        key = tuple(place.values())
        if key not in self._seen:
            self._seen[key] = self._value(self.numbers(place))
        return self._seen[key]
