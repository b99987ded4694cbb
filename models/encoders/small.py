"""The stem for small images. A network for 224 x 224 pixels leaves nothing of 28 x 28.

The first filter becomes one of 3x3 that takes no steps, and the first pool is left out (He et al.
2016, sec. 4.2): 28 x 28 then reach the later layers as they are. LeNet, which is small itself, pads
its first filter by 2 instead, so that 28 x 28 count as the 32 x 32 it was made for. All but the
first filter keep their shapes.
"""

from dataclasses import replace
from typing import Any

from models.encoders.googlenet import GoogLeNetConfig
from models.encoders.layers import Conv, Pool
from models.encoders.resnet import ResNetConfig
from models.encoders.sequential import SequentialConfig


def small_filter(line: Conv) -> Conv:
    """A filter of 3x3 in its place."""
    return replace(line, size=3, stride=1, padding=1)


def small_stem(lines: tuple[Any, ...]) -> tuple[Any, ...]:
    """The lines with the first filter made small and the first pool left out."""
    conv = next(number for number, line in enumerate(lines) if isinstance(line, Conv))
    pool = next(number for number, line in enumerate(lines) if isinstance(line, Pool))
    changed = {conv: (small_filter(lines[conv]),), pool: ()}
    return tuple(x for n, line in enumerate(lines) for x in changed.get(n, (line,)))


def small_sequential(config: SequentialConfig) -> SequentialConfig:
    """The same network for small images."""
    return replace(config, features=small_stem(config.features))


def small_googlenet(config: GoogLeNetConfig) -> GoogLeNetConfig:
    """The same network for small images."""
    return replace(config, layers=small_stem(config.layers))


def small_resnet(config: ResNetConfig) -> ResNetConfig:
    """The same network for small images."""
    return replace(config, stem=small_filter(config.stem), pool=None)


def padded_lenet(config: SequentialConfig) -> SequentialConfig:
    """LeNet for 28 x 28."""
    first, *others = config.features
    assert isinstance(first, Conv)
    return replace(config, features=(replace(first, padding=2), *others))
