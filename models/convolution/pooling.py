"""Pooling: one number for each window of a map. It has no weights and keeps the channels apart."""

import torch
from torch import Tensor
from torch.nn import functional as F

from models.convolution.operator import pad, windows
from models.convolution.sizes import Window, output_size


def max_pool(x: Tensor, window: Window, *, axes: int = 2, exact: bool = False) -> Tensor:
    """The largest value of each window, (..., *space) -> (..., *out); padding never wins."""
    return _places(x, window, axes, exact, (-torch.inf, -torch.inf)).amax(dim=_last(axes))


def mean_pool(x: Tensor, window: Window, *, axes: int = 2, exact: bool = False) -> Tensor:
    """The mean of each window, (..., *space) -> (..., *out).

    Padded zeros count as values, as they do in torch; what lies beyond them does not.
    """
    sums = _places(x, window, axes, exact, (0.0, 0.0)).sum(dim=_last(axes))
    ones = torch.ones(x.shape[-axes:], dtype=x.dtype)
    counts = _places(ones, window, axes, exact, (1.0, 0.0)).sum(dim=_last(axes))
    return sums / counts


def _places(
    x: Tensor, window: Window, axes: int, exact: bool, fills: tuple[float, float]
) -> Tensor:
    """The windows of x, (..., *out, *sizes); the fills stand in the padding, and beyond it."""
    inside, beyond = fills
    outs = [output_size(n, window, exact=exact) for n in x.shape[-axes:]]
    padded = pad(x, (window.padding,) * axes, inside)
    ends = [(out - 1) * window.stride + window.size for out in outs]
    missing = [max(0, end - n) for end, n in zip(ends, padded.shape[-axes:], strict=True)]
    after = [n for count in reversed(missing) for n in (0, count)]
    return windows(F.pad(padded, after, value=beyond), (window,) * axes)


def _last(axes: int) -> tuple[int, ...]:
    return tuple(range(-axes, 0))
