"""The lines of which an architecture's table is made, and the modules that each becomes."""

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.autoencoders.corruption import hide
from models.autoencoders.layers import ACTIVATIONS, check_activation
from models.convolution.sizes import Window
from models.errors import ConfigError, choice_error

CONVOLUTIONS: dict[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {
    1: nn.Conv1d,
    2: nn.Conv2d,
    3: nn.Conv3d,
}
"""By how many axes the filters slide along: 1 signals, 2 images, 3 volumes."""
POOLS: dict[str, dict[int, Any]] = {
    "max": {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d},
    "mean": {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d},
}


@dataclass(frozen=True)
class Conv:
    """Filters over all channels, and an activation."""

    filters: int
    size: int
    stride: int = 1
    padding: int = 0
    normalised: bool = False
    """Whether batch normalisation stands before the activation, in place of a bias."""
    activation: str = "relu"
    layer: Literal["conv"] = field(default="conv", init=False)

    def __post_init__(self) -> None:
        check_count("filters", self.filters)
        check_activation("activation", self.activation)
        Window(self.size, self.stride, self.padding)

    @property
    def window(self) -> Window:
        return Window(self.size, self.stride, self.padding)


@dataclass(frozen=True)
class Pool:
    """The largest or the mean of each window."""

    kind: Literal["max", "mean"]
    size: int
    stride: int
    padding: int = 0
    round_up: bool = False
    layer: Literal["pool"] = field(default="pool", init=False)

    def __post_init__(self) -> None:
        if self.kind not in POOLS:
            raise choice_error("kind", self.kind, POOLS)
        Window(self.size, self.stride, self.padding)
        if self.padding > self.size // 2:
            detail = (
                f"padding is {self.padding}; a pool of {self.size} takes half its size at most."
            )
            raise ConfigError("padding", detail)

    @property
    def window(self) -> Window:
        return Window(self.size, self.stride, self.padding, self.round_up)


@dataclass(frozen=True)
class LocalResponse:
    """Each value over the strength of `size` neighbouring maps (Krizhevsky et al. 2012, 3.3)."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0
    layer: Literal["response"] = field(default="response", init=False)

    def __post_init__(self) -> None:
        check_count("size", self.size)

    @property
    def window(self) -> Window:
        return Window(1)


@dataclass(frozen=True)
class Dense:
    """A dense layer, and an activation."""

    width: int
    activation: str = "relu"
    layer: Literal["dense"] = field(default="dense", init=False)

    def __post_init__(self) -> None:
        check_count("width", self.width)
        check_activation("activation", self.activation)


@dataclass(frozen=True)
class Dropout:
    """In training, this share of the values is hidden."""

    rate: float = 0.5
    layer: Literal["dropout"] = field(default="dropout", init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ConfigError("rate", f"rate is {self.rate}; it must be in [0, 1).")


MAP_LAYERS = (Conv, Pool, LocalResponse)
CODE_LAYERS = (Dense, Dropout)
MapLayer = Conv | Pool | LocalResponse
"""What reads maps and gives maps."""
CodeLayer = Dense | Dropout
"""What reads an embedding and gives one."""


class DropoutLayer(nn.Module):
    """Hides values when it is handed a generator, and only then."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return x if generator is None else hide(x, self.rate, generator)


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation of maps with any number of axes.

    A single value has no spread, so it goes by those seen before.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        """torch's own refuses all but two axes; the arithmetic is the same for any."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training and x.numel() == x.shape[1]:
            return nn.functional.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(x)


def map_modules(line: MapLayer, in_channels: int, axes: int = 2) -> tuple[list[nn.Module], int]:
    """The modules of a line, and how many channels leave it."""
    if isinstance(line, Pool):
        return [pool_module(line, axes)], in_channels
    if isinstance(line, LocalResponse):
        norm = nn.LocalResponseNorm(line.size, line.alpha, line.beta, line.k)
        return [norm], in_channels
    norms: list[nn.Module] = [BatchNorm(line.filters)] if line.normalised else []
    filters = conv_module(line, in_channels, axes)
    return [filters, *norms, ACTIVATIONS[line.activation]()], line.filters


def conv_module(line: Conv, in_channels: int, axes: int = 2) -> nn.Module:
    """The convolution alone."""
    return CONVOLUTIONS[axes](
        in_channels,
        line.filters,
        line.size,
        stride=line.stride,
        padding=line.padding,
        bias=not line.normalised,
    )


def pool_module(line: Pool, axes: int = 2) -> nn.Module:
    """The pool."""
    pool: nn.Module = POOLS[line.kind][axes](
        line.size, line.stride, line.padding, ceil_mode=line.round_up
    )
    return pool


def code_modules(lines: tuple[CodeLayer, ...], width: int) -> tuple[list[nn.Module], int]:
    """The modules of the lines, the first reading `width` numbers, and how many leave the last."""
    modules: list[nn.Module] = []
    for line in lines:
        if isinstance(line, Dropout):
            modules.append(DropoutLayer(line.rate))
        else:
            modules += [nn.Linear(width, line.width), ACTIVATIONS[line.activation]()]
            width = line.width
    return modules, width


def run_code(modules: list[nn.Module], code: Tensor, generator: torch.Generator | None) -> Tensor:
    """The code through the modules; the generator, if there is one, goes to every dropout."""
    for module in modules:
        drops = isinstance(module, DropoutLayer)
        code = module(code, generator) if drops else module(code)
    return code


def check_count(name: str, value: int) -> None:
    """Raise ConfigError unless the value is a whole number of at least 1."""
    if not isinstance(value, int) or value < 1:
        detail = f"{name} is {value!r}; it must be a whole number of at least 1."
        raise ConfigError(name, detail)


def check_lines(name: str, lines: object, kinds: tuple[type[Any], ...]) -> None:
    """Raise ConfigError unless the lines are a tuple of these kinds."""
    words = ", ".join(kind.layer for kind in kinds)
    if not isinstance(lines, tuple):
        raise ConfigError(name, f"{name} must be a list of lines, each one of: {words}.")
    for line in lines:
        if not isinstance(line, kinds):
            given = getattr(line, "layer", line)
            detail = f"{name} has a line {given!r}; what can stand there is: {words}."
            raise ConfigError(name, detail)
