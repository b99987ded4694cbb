"""Whether inputs are still distributed as in training: PSI says how far, a test how surely.

Each input is compared with a reference kept from training; over several inputs the tests are
corrected for their number. Drift is what is both sure and large: with many examples the smallest
change is sure, with few the largest is chance. Not what the numbers are of.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, chi2_contingency, ks_2samp

N_BINS = 10
"""Of a reference of numbers, by its quantiles."""
MAX_KEPT = 1000
"""Order statistics that stand for a sample of numbers."""
MAX_LEVELS = 20
"""Categories that are told apart, the most frequent; the others are one."""
LARGE = 0.25
"""A PSI that is worth an alert: from there on the shift is "significant" in credit scoring, where
the index comes from, up to .1 there is "none" (Siddiqi 2006)."""
FAMILY_RATE = 0.01
"""The chance of any alert over all inputs of a report while nothing drifts."""
NOISE_QUANTILE = 0.999
LEAST_EXPECTED = 5
"""Examples of a category, in either sample, for which a chi-squared test holds (Cochran 1954)."""
OTHERS, MISSING = "(others)", "(missing)"

Floats = NDArray[np.float64]
Words = Sequence[str | None]


@dataclass(frozen=True)
class Reference:
    """A sample of numbers as it was in training, by at most MAX_KEPT order statistics of it."""

    kept: tuple[float, ...]
    """Sorted, without those that are missing."""
    missing: int = 0
    """How many order statistics stand for missing numbers."""

    @property
    def n(self) -> int:
        return len(self.kept) + self.missing


@dataclass(frozen=True)
class Categories:
    """A sample of words: how often each was there."""

    counts: Mapping[str, int]

    @property
    def n(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Comparison:
    """One input beside its reference. psi None: too few examples to tell it from chance.

    statistic: of Kolmogorov and Smirnov, the largest gap between the two distributions, or of
    categories half the sum of the gaps between shares; adjusted_p: its p-value, corrected.
    """

    psi: float | None
    statistic: float
    p_value: float
    adjusted_p: float
    n_reference: int
    n_now: int
    needed: int
    """Examples from which on the PSI is told, with a reference of that size; 0: never."""

    @property
    def drifted(self) -> bool:
        """Whether it is both sure and large."""
        return self.adjusted_p <= FAMILY_RATE and self.psi is not None and self.psi >= LARGE


def reference_of(values: ArrayLike) -> Reference:
    """What is kept of numbers (n,), NaN where missing. The same numbers give the same."""
    numbers = _ordered(values)
    if len(numbers) > MAX_KEPT:
        numbers = numbers[np.round(np.linspace(0, len(numbers) - 1, MAX_KEPT)).astype(int)]
    there = numbers[numbers > -np.inf]
    return Reference(tuple(there.tolist()), len(numbers) - len(there))


def categories_of(words: Words) -> Categories:
    """How often each word is there, the MAX_LEVELS most frequent by name."""
    names, counts = np.unique([MISSING if w is None else w for w in words], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    kept = {str(names[num]): int(counts[num]) for num in order[:MAX_LEVELS]}
    rest = int(counts[order[MAX_LEVELS:]].sum())
    return Categories({**kept, OTHERS: rest} if rest else kept)


def compare(
    references: Mapping[str, Reference | Categories], now: Mapping[str, Words | Floats]
) -> dict[str, Comparison]:
    """Every input with a reference that is not empty and with examples now, by name; p-values by
    Holm's procedure.

    Examples are to be independent of each other: users or rows, not single interactions.
    """
    names = [name for name, each in references.items() if each.n and len(now.get(name, ()))]
    raw = {name: _compared(references[name], now[name]) for name in names}
    adjusted = holm([raw[name].p_value for name in names])
    return {
        name: Comparison(**{**vars(raw[name]), "adjusted_p": p})
        for name, p in zip(names, adjusted, strict=True)
    }


def psi(expected: Floats, actual: Floats) -> float:
    """Population stability index of counts (n_bins,): sum (a - e) log(a / e) over shares.

    The symmetric Kullback-Leibler divergence (Jeffreys 1946). Half an example is added to each
    bin, so that an empty one is no infinity.
    """
    e, a = ((counts + 0.5) / (counts + 0.5).sum() for counts in (expected, actual))
    return float(((a - e) * np.log(a / e)).sum())


def examples_needed(n_bins: int, n_reference: int) -> int:
    """From how many examples on a PSI is told: while nothing drifts it keeps below LARGE then, in
    999 of 1000 cases; 0: never, the reference is too small.

    While nothing drifts a PSI is (1 / n + 1 / m) times a chi-squared variable with n_bins - 1
    degrees of freedom (Yurdakul 2018).
    """
    room = LARGE / float(chi2.ppf(NOISE_QUANTILE, max(n_bins - 1, 1))) - 1 / max(n_reference, 1)
    return math.ceil(1 / room) if room > 0 else 0


def holm(p_values: list[float]) -> list[float]:
    """P-values of several tests, so that the chance of any at most alpha is alpha (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.zeros(len(p_values))
    largest = 0.0
    for rank, num in enumerate(order.tolist()):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[num]))
        adjusted[num] = largest
    return [float(p) for p in adjusted]


def _compared(reference: Reference | Categories, now: Words | Floats) -> Comparison:
    if isinstance(reference, Categories):
        expected, actual, statistic, p_value = _of_categories(reference, now)
    else:
        expected, actual, statistic, p_value = _of_numbers(reference, now)
    needed = examples_needed(len(expected), reference.n)
    return Comparison(
        psi=psi(expected, actual) if 0 < needed <= len(now) else None,
        statistic=statistic,
        p_value=p_value,
        adjusted_p=p_value,
        n_reference=reference.n,
        n_now=len(now),
        needed=needed,
    )


def _of_numbers(reference: Reference, now: Words | Floats) -> tuple[Floats, Floats, float, float]:
    """Counts by the reference's quantiles, those missing by themselves; the test by Kolmogorov and
    Smirnov, where missing numbers are below all others."""
    numbers = _ordered(now)
    former = np.concatenate([np.full(reference.missing, -np.inf), reference.kept])
    edges = _edges(np.array(reference.kept))
    if reference.missing or numbers[0] == -np.inf:
        edges = np.concatenate([[-np.inf], edges])
    expected, actual = (
        np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1).astype(np.float64)
        for values in (former, numbers)
    )
    tested = ks_2samp(former, numbers, method="asymp")
    return expected, actual, float(tested.statistic), float(tested.pvalue)


def _edges(kept: Floats) -> Floats:
    """The upper ends of all bins but the last: the quantiles of training.

    A value that is a tenth of the sample or more is a bin of its own: what falls below it is seen.
    """
    if not len(kept):
        return kept
    inner = np.linspace(0, 1, N_BINS + 1)[1:-1]
    edges = np.unique(np.quantile(kept, inner, method="inverted_cdf"))
    often = [edge for edge in edges if np.mean(kept == edge) >= 1 / N_BINS]
    return np.unique(np.concatenate([edges, np.nextafter(often, -np.inf)]))


def _of_categories(
    reference: Categories, now: Words | Floats
) -> tuple[Floats, Floats, float, float]:
    """Counts by name, names that are new among the others; the test by chi-squared."""
    names = [*reference.counts, *({OTHERS} - set(reference.counts))]
    nums = {name: num for num, name in enumerate(names)}
    words = [MISSING if word is None else str(word) for word in now]
    actual = np.bincount([nums.get(word, nums[OTHERS]) for word in words], minlength=len(names))
    expected = np.array([reference.counts.get(name, 0) for name in names], dtype=np.float64)
    gaps = np.abs(expected / max(expected.sum(), 1) - actual / len(words))
    p_value = _chi_squared(np.stack([expected, actual]))
    return expected, actual.astype(np.float64), float(gaps.sum() / 2), p_value


def _chi_squared(counts: Floats) -> float:
    """Of counts (2, n_names); names too rare for the test are one."""
    usual = counts.sum(axis=0) * counts.sum(axis=1).min() / counts.sum() >= LEAST_EXPECTED
    pooled = np.column_stack([counts[:, usual], counts[:, ~usual].sum(axis=1)])
    pooled = pooled[:, pooled.sum(axis=0) > 0]
    return float(chi2_contingency(pooled).pvalue) if pooled.shape[1] > 1 else 1.0


def _ordered(values: ArrayLike | Words) -> Floats:
    """Sorted, those missing below all others: (n,)."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.sort(np.where(np.isnan(numbers), -np.inf, numbers))
