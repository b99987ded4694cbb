"""Made-up series with odd stretches whose places are known. Nothing here detects.

Each world is drawn anew from a seed: a usual series to learn from, and one in which STRETCHES
stretches are odd in a way of that world. Columns are at the same scale; no column gives a stretch
away by its size alone but in `burst` and `shift`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.anomaly_sets import Array, Split

N_TIME = 4000
STRETCHES = 12
LENGTHS = (8, 64)
"""Shortest and longest odd stretch."""
World = Callable[[int, np.random.Generator], Array]
Oddity = Callable[[Array, np.random.Generator], Array]


@dataclass(frozen=True)
class Series:
    """How a usual series is drawn, and what may befall a stretch of it."""

    draw: World
    odd: Oddity


def split_of(name: str, seed: int) -> Split:
    """A usual series, another with odd stretches, and which of its positions are in one."""
    rng = np.random.default_rng([seed, len(name), *name.encode()])
    series = SERIES[name]
    train, test = series.draw(N_TIME, rng), series.draw(N_TIME, rng)
    y = np.zeros(N_TIME, dtype=np.int64)
    room = N_TIME // STRETCHES
    for num in range(STRETCHES):
        length = int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
        start = num * room + int(rng.integers(room - length))
        test[start : start + length] = series.odd(test[start : start + length].copy(), rng)
        y[start : start + length] = 1
    return Split(train, test, y)


def _seasons(n: int, rng: np.random.Generator) -> Array:
    """A day of 24 within a week, and its temperature, which lags."""
    t = np.arange(n) + rng.integers(168)
    day, week = np.sin(2 * np.pi * t / 24), 0.5 * np.sin(2 * np.pi * t / 168)
    lagged = np.sin(2 * np.pi * (t - 5) / 24) + week
    return np.column_stack([day + week, lagged]) + 0.2 * rng.normal(size=(n, 2))


def _beats(n: int, rng: np.random.Generator) -> Array:
    """A pulse, sharp and then a dip, about every 20 positions."""
    wave = np.zeros(n + 40)
    shape = np.exp(-0.5 * np.square(np.arange(-6, 7) / 1.5))
    shape[8:] -= 0.4
    at = 6.0
    while at < n + 20:
        wave[int(at) : int(at) + 13] += shape
        at += 20 + rng.normal()
    return wave[:n, None] + 0.1 * rng.normal(size=(n, 1))


def _coupled(n: int, rng: np.random.Generator) -> Array:
    """One that wanders around 0, and two that follow it."""
    first = np.zeros(n)
    for t in range(1, n):
        first[t] = 0.95 * first[t - 1] + 0.3 * rng.normal()
    later = np.roll(first, 4)
    return np.column_stack([first, later, np.tanh(first - later) * 2]) + 0.1 * rng.normal(
        size=(n, 3)
    )


def _ringing(n: int, rng: np.random.Generator) -> Array:
    """Noise that rings at one pitch, with long tails."""
    values = np.zeros(n)
    for t in range(2, n):
        values[t] = 1.6 * values[t - 1] - 0.9 * values[t - 2] + 0.3 * rng.standard_t(4)
    return values[:, None]


def _backwards(part: Array, rng: np.random.Generator) -> Array:
    return part[::-1]


def _frozen(part: Array, rng: np.random.Generator) -> Array:
    """One column stands still."""
    column = int(rng.integers(part.shape[1]))
    part[:, column] = part[0, column]
    return part


def _burst(part: Array, rng: np.random.Generator) -> Array:
    return part + 0.5 * rng.normal(size=part.shape)


def _shift(part: Array, rng: np.random.Generator) -> Array:
    return part + rng.choice([-0.8, 0.8])


def _uncoupled(part: Array, rng: np.random.Generator) -> Array:
    """One column is turned upside down."""
    column = int(rng.integers(part.shape[1]))
    part[:, column] = -part[:, column]
    return part


def _pitch(part: Array, rng: np.random.Generator) -> Array:
    """Each position of the first half twice: half as fast."""
    return np.repeat(part, 2, axis=0)[: len(part)]


SERIES = {
    "seasons-backwards": Series(_seasons, _backwards),
    "seasons-shift": Series(_seasons, _shift),
    "seasons-frozen": Series(_seasons, _frozen),
    "beats-slow": Series(_beats, _pitch),
    "beats-backwards": Series(_beats, _backwards),
    "beats-burst": Series(_beats, _burst),
    "coupled-uncoupled": Series(_coupled, _uncoupled),
    "coupled-frozen": Series(_coupled, _frozen),
    "ringing-slow": Series(_ringing, _pitch),
    "ringing-burst": Series(_ringing, _burst),
}
