"""GoogLeNet (Szegedy et al. 2015) with batch normalisation, as torchvision's published weights.

Those have a 3x3 filter where the paper has one of 5x5 in each inception, so that is the default.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from models.convolution.sizes import Window
from models.encoders.base import ImageEncoder, Step
from models.encoders.initialise import new_linear
from models.encoders.layers import (
    CODE_LAYERS,
    BatchNorm,
    CodeLayer,
    Conv,
    Dropout,
    DropoutLayer,
    Pool,
    check_count,
    check_lines,
    code_modules,
    conv_module,
    pool_module,
    run_code,
)
from models.errors import ConfigError

AUXILIARY_FILTERS, AUXILIARY_GRID, AUXILIARY_WIDTH = 128, 4, 1024
AUXILIARY_DROPOUT = 0.7

# What torchvision's images are scaled by, channel by channel: mean and standard deviation.
PUBLISHED_SCALE = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))


@dataclass(frozen=True)
class Inception:
    """Four views of the same maps side by side: 1x1, 3x3, 5x5 and a pool."""

    one: int
    three: tuple[int, int]
    """Filters of the 1x1 that makes the maps fewer, and of the 3x3 that reads them."""
    five: tuple[int, int]
    pooled: int
    five_size: int = 3
    """Side of the filter called five, odd; 5 in the paper."""
    auxiliary: bool = False
    """Whether an auxiliary head reads what this one finds."""
    layer: Literal["inception"] = field(default="inception", init=False)

    def __post_init__(self) -> None:
        for name, count in (("one", self.one), ("pooled", self.pooled)):
            check_count(name, count)
        for count in (*self.three, *self.five):
            check_count("three and five", count)
        if self.five_size % 2 == 0:
            raise ConfigError(
                "five_size", "five_size must be odd, so that the maps keep their size."
            )

    @property
    def filters(self) -> int:
        """Maps that leave it."""
        return self.one + self.three[1] + self.five[1] + self.pooled

    @property
    def window(self) -> Window:
        """Of its widest view."""
        size = max(3, self.five_size)
        return Window(size, padding=size // 2)


GoogLeNetLayer = Conv | Pool | Inception


@dataclass(frozen=True)
class GoogLeNetConfig:
    """The architecture as a table."""

    layers: tuple[GoogLeNetLayer, ...]
    auxiliary: bool = True
    """Whether there are auxiliary heads, which count in training only."""
    transform_input: bool = False
    """Whether images scaled by ImageNet's means and deviations are brought to [-1, 1] first, which
    the published weights expect.
    """
    grid: int = 1
    classifier: tuple[CodeLayer, ...] = (Dropout(0.2),)
    in_channels: int = 3
    n_classes: int | None = 1000
    """None: no last layers, only an embedding."""

    def __post_init__(self) -> None:
        if self.transform_input and self.in_channels != len(PUBLISHED_SCALE):
            detail = "transform_input is for 3 channels; leave it out, or set in_channels to 3."
            raise ConfigError("transform_input", detail)
        check_lines("layers", self.layers, (Conv, Pool, Inception))
        check_lines("classifier", self.classifier, CODE_LAYERS)
        for line in self.layers:
            if isinstance(line, Conv) and (not line.normalised or line.activation != "relu"):
                detail = "A filter of GoogLeNet is normalised and ends in a relu."
                raise ConfigError("layers", detail)


class NormalisedConv(nn.Module):
    """A filter, batch normalisation and a relu. Weights are named `conv` and `bn`."""

    def __init__(self, line: Conv, in_channels: int) -> None:
        super().__init__()
        self.conv = conv_module(line, in_channels)
        self.bn = BatchNorm(line.filters, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        normalised: Tensor = self.bn(self.conv(x))
        return normalised.relu()


class InceptionBlock(nn.Module):
    """The four views, one set of maps after the other."""

    def __init__(self, line: Inception, in_channels: int) -> None:
        super().__init__()
        self.branch1 = _filter(in_channels, line.one)
        self.branch2 = _narrowed(in_channels, line.three, 3)
        self.branch3 = _narrowed(in_channels, line.five, line.five_size)
        pool = Pool("max", 3, 1, padding=1, round_up=True)
        self.branch4 = nn.Sequential(pool_module(pool), _filter(in_channels, line.pooled))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], dim=1)


class AuxiliaryHead(nn.Module):
    """A small classifier on maps half-way, so that gradients reach the early layers."""

    def __init__(self, in_channels: int, n_classes: int) -> None:
        super().__init__()
        self.conv = _filter(in_channels, AUXILIARY_FILTERS)
        self.fc1 = nn.Linear(AUXILIARY_FILTERS * AUXILIARY_GRID**2, AUXILIARY_WIDTH)
        self.dropout = DropoutLayer(AUXILIARY_DROPOUT)
        self.fc2 = nn.Linear(AUXILIARY_WIDTH, n_classes)

    def forward(self, maps: Tensor, generator: torch.Generator | None = None) -> Tensor:
        grid = nn.functional.adaptive_avg_pool2d(maps, AUXILIARY_GRID)
        flat = torch.flatten(self.conv(grid), 1)
        return run_code([self.fc1, nn.ReLU(), self.dropout, self.fc2], flat, generator)


class GoogLeNet(ImageEncoder):
    """Reads the table. Weights are named `conv1`, `inception3a.branch1`, `aux1`, `fc`.

    A conv is numbered by convs, a pool by pools, an inception by the pools above it, as if the
    stem were two phases, and a letter.
    """

    def assemble(self, config: GoogLeNetConfig) -> None:
        self._lines: dict[str, GoogLeNetLayer] = names_of(config.layers)
        self._heads: dict[str, str] = {}  # layer -> the auxiliary head that reads it
        channels = config.in_channels
        for name, line in self._lines.items():
            self.add_module(name, _module_of(line, channels))
            channels = channels if isinstance(line, Pool) else line.filters
            if config.auxiliary and isinstance(line, Inception) and line.auxiliary:
                self._add_auxiliary(name, channels, config.n_classes)
        hidden, self.embedding_dim = code_modules(config.classifier, channels * config.grid**2)
        self.hidden = nn.Sequential(*hidden)
        if config.n_classes is not None:
            self.fc = nn.Linear(self.embedding_dim, config.n_classes)

    def steps(self) -> list[Step]:
        return [
            Step(name, self.get_submodule(name), (line.window,))
            for name, line in self._lines.items()
        ]

    def hidden_modules(self) -> list[nn.Module]:
        return list(self.hidden)

    @property
    def head_name(self) -> str:
        return "fc"

    @property
    def optional_tensors(self) -> tuple[str, ...]:
        return super().optional_tensors if self._heads else (*super().optional_tensors, "aux")

    def read(self, images: Tensor) -> Tensor:
        """The images, scaled as the config says."""
        images = super().read(images)
        if not self.config.transform_input:
            return images
        means, deviations = images.new_tensor(PUBLISHED_SCALE).T[:, :, None, None]
        scaled: Tensor = (images * deviations + means - 0.5) / 0.5
        return scaled

    def all_logits(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, ...]:
        """The logits, and those of the auxiliary heads, each (batch, n_classes)."""
        auxiliary = []
        for name, maps in self.feature_maps(images):
            if name in self._heads:
                auxiliary.append(self.get_submodule(self._heads[name])(maps, generator))
        return (self.head(self.embed_maps(maps, generator)), *auxiliary)

    def renew_head(self, n_classes: int, generator: torch.Generator) -> None:
        """Fresh last layers, of the auxiliary heads too."""
        super().renew_head(n_classes, generator)
        for name in self._heads.values():
            self.get_submodule(name).fc2 = new_linear(AUXILIARY_WIDTH, n_classes, generator)

    def _add_auxiliary(self, name: str, channels: int, n_classes: int | None) -> None:
        if n_classes is None:
            return
        self._heads[name] = f"aux{len(self._heads) + 1}"
        self.add_module(self._heads[name], AuxiliaryHead(channels, n_classes))


def names_of(layers: tuple[GoogLeNetLayer, ...]) -> dict[str, GoogLeNetLayer]:
    """The table with a name for each line, made of where it stands."""
    named: dict[str, GoogLeNetLayer] = {}
    convs, pools, letters = 0, 0, 0
    for line in layers:
        if isinstance(line, Conv):
            convs += 1
            named[f"conv{convs}"] = line
        elif isinstance(line, Pool):
            pools, letters = pools + 1, 0
            named[f"{line.kind}pool{pools}"] = line
        else:
            named[f"inception{pools + 1}{chr(ord('a') + letters)}"] = line
            letters += 1
    return named


def _module_of(line: GoogLeNetLayer, in_channels: int) -> nn.Module:
    if isinstance(line, Pool):
        return pool_module(line)
    if isinstance(line, Conv):
        return NormalisedConv(line, in_channels)
    return InceptionBlock(line, in_channels)


def _filter(in_channels: int, filters: int, size: int = 1) -> NormalisedConv:
    line = Conv(filters, size, padding=size // 2, normalised=True)
    return NormalisedConv(line, in_channels)


def _narrowed(in_channels: int, filters: tuple[int, int], size: int) -> nn.Sequential:
    few, found = filters
    return nn.Sequential(_filter(in_channels, few), _filter(few, found, size))


GOOGLENET = GoogLeNetConfig(  # 224 x 224
    layers=(
        Conv(64, 7, stride=2, padding=3, normalised=True),  # 112 x 112
        Pool("max", 3, 2, round_up=True),
        Conv(64, 1, normalised=True),  # 56 x 56
        Conv(192, 3, padding=1, normalised=True),
        Pool("max", 3, 2, round_up=True),
        Inception(64, (96, 128), (16, 32), 32),  # 28 x 28
        Inception(128, (128, 192), (32, 96), 64),
        Pool("max", 3, 2, round_up=True),
        Inception(192, (96, 208), (16, 48), 64, auxiliary=True),  # 14 x 14
        Inception(160, (112, 224), (24, 64), 64),
        Inception(128, (128, 256), (24, 64), 64),
        Inception(112, (144, 288), (32, 64), 64, auxiliary=True),
        Inception(256, (160, 320), (32, 128), 128),
        Pool("max", 2, 2, round_up=True),
        Inception(256, (160, 320), (32, 128), 128),  # 7 x 7
        Inception(384, (192, 384), (48, 128), 128),
    ),
)
