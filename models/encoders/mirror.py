"""A decoder that goes an encoder's way back, from its last maps to the image or signal."""

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import nn

from models.encoders.base import ImageEncoder, Step
from models.encoders.layers import BatchNorm

Shape = tuple[int, ...]
"""(channels, *space), as (channels, height, width)"""
TRANSPOSED: dict[int, type[nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d]] = {
    1: nn.ConvTranspose1d,
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}
"""By the axes that the filters slide along."""


def shapes_of(shapes: ImageEncoder, image: Shape) -> list[Shape]:
    """The shape of the image and of each layer's maps; of a network without weights.

    Raises ConfigError where the network cannot read such an image.
    """
    images = torch.empty((1, *image), device="meta")
    maps = [found.shape[1:] for _, found in shapes.eval().feature_maps(images)]
    return [image, *(tuple(shape) for shape in maps)]


def mirror(steps: Sequence[Step], shapes: Sequence[Shape]) -> nn.Sequential:
    """For each step, last first, one that leaves what it had read. No weights drawn yet.

    What a filter shrank, a transposed filter of the same size and stride spreads again; a block
    counts as one filter, of its largest size. A pool becomes an enlargement. All but the last are
    normalised and end in a relu.
    """
    modules: list[nn.Module] = []
    with torch.device("meta"):
        for number in reversed(range(len(steps))):
            modules += _back(steps[number], shapes[number], shapes[number + 1], last=number == 0)
    return nn.Sequential(*modules)


def _back(step: Step, before: Shape, after: Shape, *, last: bool) -> list[nn.Module]:
    if not any(True for _ in step.module.parameters()):
        return [] if before == after else [nn.Upsample(size=before[1:])]
    stride = prod(window.stride for window in step.windows)
    window = max(step.windows, key=lambda each: each.size)
    spread = [(n - 1) * stride - 2 * window.padding + window.size for n in after[1:]]
    left: Any = tuple(n - reached for n, reached in zip(before[1:], spread, strict=True))
    filters = TRANSPOSED[len(left)](
        after[0],
        before[0],
        window.size,
        stride=stride,
        padding=window.padding,
        output_padding=left,
        bias=last,
    )
    return [filters] if last else [filters, BatchNorm(before[0]), nn.ReLU()]
