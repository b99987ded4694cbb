"""Convolution of functions and of signals in time: its definition at work. Not of pictures."""

from collections.abc import Callable

import torch
from torch import Tensor

from models.convolution.operator import convolve
from models.errors import ConfigError


def convolve_functions(
    f: Callable[[Tensor], Tensor],
    g: Callable[[Tensor], Tensor],
    t: Tensor,
    *,
    low: float,
    high: float,
    n_points: int = 10_001,
) -> Tensor:
    """(f * g)(t) = integral of f(a) g(t - a) over a from low to high, by the trapezoid rule.

    t (n,) -> (n,); low and high must enclose where f is not zero.
    """
    if n_points < 2 or not low < high:
        raise ConfigError("low", "The integral needs two points or more, and low below high.")
    a = torch.linspace(low, high, n_points, dtype=torch.float64)
    products = f(a) * g(t.to(a)[:, None] - a)  # (n, n_points)
    return torch.trapezoid(products, a)


def weighted_moving_average(x: Tensor, weights: Tensor) -> Tensor:
    """y[t] = sum_a weights[a] x[t - a] / sum(weights): weights[0] is that of the newest value.

    x (n,), weights (size,) -> (n - size + 1,): only where all of the values exist.
    """
    total = weights.sum()
    if total == 0:
        raise ConfigError("weights", "The weights add up to 0; an average divides by their sum.")
    return convolve(x, weights / total)


def echo(sound: Tensor, *, delay: int, strength: float) -> Tensor:
    """The sound and, `delay` samples later, the sound again at `strength`.

    sound (n,) -> (n + delay,)
    """
    if delay < 1:
        raise ConfigError("delay", f"delay is {delay}; an echo comes at least 1 sample later.")
    kernel = torch.zeros(delay + 1, dtype=sound.dtype)
    kernel[0], kernel[delay] = 1.0, strength
    return convolve(sound, kernel, padding=delay)
