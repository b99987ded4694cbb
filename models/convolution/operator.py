"""Discrete convolution and cross-correlation, along one axis or several. Not pooling.

Convolution turns the kernel round, (x * k)[t] = sum_a x[a] k[t - a], so that it commutes, and so
that a kernel is what a single 1 becomes. Convolutional networks leave the kernel as it stands,
which is cross-correlation: they learn it either way round.
"""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from models.convolution.sizes import Window, output_size
from models.errors import ConfigError

PerAxis = int | Sequence[int]
"""One number for all axes, or one for each."""


def correlate(
    x: Tensor,
    kernel: Tensor,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    exact: bool = False,
) -> Tensor:
    """Cross-correlation of one map with one kernel, as in convolutional networks.

    x (*space), kernel (*sizes) -> (*out), of as many axes; zeros are padded on both sides.
    """
    maps = correlate_maps(
        x[None, None], kernel[None, None], stride=stride, padding=padding, exact=exact
    )
    return maps[0, 0]


def convolve(
    x: Tensor,
    kernel: Tensor,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    exact: bool = False,
) -> Tensor:
    """Convolution as defined: cross-correlation with the kernel turned round.

    x (*space), kernel (*sizes) -> (*out); a padding of the kernel's size less one gives it whole.
    """
    return correlate(x, flip(kernel, kernel.dim()), stride=stride, padding=padding, exact=exact)


def correlate_maps(
    x: Tensor,
    kernels: Tensor,
    *,
    bias: Tensor | None = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    exact: bool = False,
) -> Tensor:
    """What a convolutional layer computes: every filter over all channels, which it adds up.

    x (batch, in_channels, *space), kernels (filters, in_channels, *sizes), bias (filters,)
    -> (batch, filters, *out)
    """
    check_axes(x, kernels)
    sizes = kernels.shape[2:]
    axes = len(sizes)
    strides, paddings = per_axis("stride", stride, axes), per_axis("padding", padding, axes)
    slid = [Window(*each) for each in zip(sizes, strides, paddings, strict=True)]
    for n, window in zip(x.shape[2:], slid, strict=True):
        output_size(n, window, exact=exact)  # raises
    patches = windows(pad(x, paddings), slid)  # (batch, in_channels, *out, *sizes)
    rows = patches.movedim(1, axes + 1).flatten(axes + 1)  # (batch, *out, in_channels * size)
    maps = rows @ kernels.flatten(1).T  # (batch, *out, filters)
    if bias is not None:
        maps = maps + bias
    return maps.movedim(-1, 1)


def convolve_maps(
    x: Tensor,
    kernels: Tensor,
    *,
    bias: Tensor | None = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    exact: bool = False,
) -> Tensor:
    """As `correlate_maps`, every kernel turned round in space; the channels stay in order."""
    turned = flip(kernels, kernels.dim() - 2)
    return correlate_maps(x, turned, bias=bias, stride=stride, padding=padding, exact=exact)


def flip(kernel: Tensor, axes: int) -> Tensor:
    """The kernel turned round along its last `axes` axes."""
    return kernel.flip(tuple(range(-axes, 0)))


def pad(x: Tensor, paddings: Sequence[int], value: float = 0.0) -> Tensor:
    """The value added on both sides of each of the last axes."""
    both_sides = [n for padding in reversed(paddings) for n in (padding, padding)]
    return F.pad(x, both_sides, value=value)


def windows(x: Tensor, slid: Sequence[Window]) -> Tensor:
    """Every place of the windows over the last axes, their padding already there.

    x (..., *space) -> (..., *out, *sizes)
    """
    first = x.dim() - len(slid)
    for axis, window in enumerate(slid, start=first):
        x = x.unfold(axis, window.size, window.stride)
    return x


def per_axis(field: str, value: PerAxis, axes: int) -> tuple[int, ...]:
    """One number for each axis. Raises ConfigError when their count differs."""
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        detail = f"{field} has {len(value)} numbers for {axes} axes; give one, or one for each."
        raise ConfigError(field, detail)
    return tuple(value)


def check_axes(x: Tensor, kernels: Tensor) -> None:
    """Raise ConfigError unless the kernels have the axes and the channels of the maps."""
    if x.dim() != kernels.dim() or x.dim() < 3:
        detail = (
            f"The kernel slides along {max(kernels.dim() - 2, 0)} axes, the input has "
            f"{max(x.dim() - 2, 0)}; give both the same, at least one."
        )
        raise ConfigError("kernel", detail)
    if x.shape[1] != kernels.shape[1]:
        detail = (
            f"The kernels read {kernels.shape[1]} channels, the input has {x.shape[1]}; "
            "give every filter a kernel for each channel."
        )
        raise ConfigError("kernel", detail)
