"""ResNet (He et al. 2016): blocks that add what they find to what they read.

A wider block takes its step in the 3x3 filter, not in the 1x1 before it, as in torchvision.
"""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from models.convolution.sizes import Window
from models.encoders.base import ImageEncoder, Step
from models.encoders.layers import (
    CODE_LAYERS,
    BatchNorm,
    CodeLayer,
    Conv,
    Pool,
    check_count,
    check_lines,
    code_modules,
    conv_module,
    pool_module,
)
from models.errors import ConfigError, choice_error


@dataclass(frozen=True)
class Stage:
    """Blocks of one width; the first of them takes the step."""

    width: int
    blocks: int
    stride: int = 1
    size: int = 3
    """Of its filters, odd."""
    layer: Literal["stage"] = field(default="stage", init=False)

    def __post_init__(self) -> None:
        check_count("width", self.width)
        check_count("blocks", self.blocks)
        Window(self.size, self.stride)
        if self.size % 2 == 0:
            raise ConfigError(
                "size", f"size is {self.size}; a block keeps its maps' size when odd."
            )


@dataclass(frozen=True)
class ResNetConfig:
    """An architecture as a table."""

    block: Literal["basic", "bottleneck"]
    stages: tuple[Stage, ...]
    stem: Conv = Conv(64, 7, stride=2, padding=3, normalised=True)
    pool: Pool | None = Pool("max", 3, 2, padding=1)
    """After the stem; None: no pool."""
    grid: int = 1
    classifier: tuple[CodeLayer, ...] = ()
    in_channels: int = 3
    n_classes: int | None = 1000
    """None: no last layer, only an embedding."""

    def __post_init__(self) -> None:
        if self.block not in PATHS:
            raise choice_error("block", self.block, PATHS)
        check_lines("stages", self.stages, (Stage,))
        check_lines("stem", (self.stem,), (Conv,))
        check_lines("pool", () if self.pool is None else (self.pool,), (Pool,))
        check_lines("classifier", self.classifier, CODE_LAYERS)
        if not self.stem.normalised or self.stem.activation != "relu":
            raise ConfigError("stem", "The stem of a ResNet is normalised and ends in a relu.")


def basic_path(stage: Stage, stride: int) -> tuple[Conv, ...]:
    """Two filters of full width."""
    n = stage.size
    return (_conv(stage.width, n, stride), _conv(stage.width, n))


def bottleneck_path(stage: Stage, stride: int) -> tuple[Conv, ...]:
    """A filter between two of 1x1, which make it narrow and wide again."""
    return (
        _conv(stage.width, 1),
        _conv(stage.width, stage.size, stride),
        _conv(4 * stage.width, 1),
    )


def _conv(filters: int, size: int, stride: int = 1) -> Conv:
    return Conv(filters, size, stride, size // 2, normalised=True)


PATHS = {"basic": basic_path, "bottleneck": bottleneck_path}


class ResidualBlock(nn.Module):
    """relu(path(x) + x); where the shapes differ, x goes through a 1x1 filter."""

    def __init__(self, path: tuple[Conv, ...], in_channels: int, stride: int) -> None:
        super().__init__()
        self.windows = tuple(line.window for line in path)
        channels = in_channels
        for number, line in enumerate(path, start=1):
            self.add_module(f"conv{number}", conv_module(line, channels))
            self.add_module(f"bn{number}", BatchNorm(line.filters))
            channels = line.filters
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels != in_channels:
            conv = conv_module(Conv(channels, 1, stride, normalised=True), in_channels)
            self.downsample = nn.Sequential(conv, BatchNorm(channels))

    def forward(self, x: Tensor) -> Tensor:
        found = x
        for number in range(1, len(self.windows) + 1):
            if number > 1:
                found = found.relu()
            found = self.get_submodule(f"conv{number}")(found)
            found = self.get_submodule(f"bn{number}")(found)
        kept = x if self.downsample is None else self.downsample(x)
        summed: Tensor = found + kept
        return summed.relu()


class ResNet(ImageEncoder):
    """Stem, stages, mean of each map. Weights are named `conv1`, `layer1.0.conv1`, `fc`."""

    def assemble(self, config: ResNetConfig) -> None:
        self.conv1 = conv_module(config.stem, config.in_channels)
        self.bn1 = BatchNorm(config.stem.filters)
        self.maxpool = nn.Identity() if config.pool is None else pool_module(config.pool)
        channels = config.stem.filters
        for number, stage in enumerate(config.stages, start=1):
            blocks = []
            for stride in (stage.stride, *(1,) * (stage.blocks - 1)):
                path = PATHS[config.block](stage, stride)
                blocks.append(ResidualBlock(path, channels, stride))
                channels = path[-1].filters
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        hidden, self.embedding_dim = code_modules(config.classifier, channels * config.grid**2)
        self.hidden = nn.Sequential(*hidden)
        if config.n_classes is not None:
            self.fc = nn.Linear(self.embedding_dim, config.n_classes)

    def steps(self) -> list[Step]:
        config: ResNetConfig = self.config
        stem = nn.Sequential(self.conv1, self.bn1, nn.ReLU())
        steps = [Step("conv1", stem, (config.stem.window,))]
        if config.pool is not None:
            steps.append(Step(f"{config.pool.kind}pool", self.maxpool, (config.pool.window,)))
        for stage in range(1, len(config.stages) + 1):
            for name, block in self.get_submodule(f"layer{stage}").named_children():
                assert isinstance(block, ResidualBlock)
                steps.append(Step(f"layer{stage}.{name}", block, block.windows))
        return steps

    def hidden_modules(self) -> list[nn.Module]:
        return list(self.hidden)

    @property
    def head_name(self) -> str:
        return "fc"


def resnet(block: Literal["basic", "bottleneck"], blocks: tuple[int, ...]) -> ResNetConfig:
    """The table of as many blocks in each of four stages: 224 x 224 becomes 7 x 7."""
    stages = tuple(
        Stage(64 * 2**number, count, stride=1 if number == 0 else 2)
        for number, count in enumerate(blocks)
    )
    return ResNetConfig(block, stages)


# Blocks in each stage. Table 1.
RESNETS: dict[str, ResNetConfig] = {
    "resnet18": resnet("basic", (2, 2, 2, 2)),
    "resnet34": resnet("basic", (3, 4, 6, 3)),
    "resnet50": resnet("bottleneck", (3, 4, 6, 3)),
    "resnet101": resnet("bottleneck", (3, 4, 23, 3)),
    "resnet152": resnet("bottleneck", (3, 8, 36, 3)),
}
