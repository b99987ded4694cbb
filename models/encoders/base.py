"""What every network over images, signals or volumes offers. Not how any of them is built."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.convolution.sizes import ReceptiveField, Window, receptive_fields, smallest_input
from models.encoders.initialise import initialise, new_linear
from models.encoders.layers import check_count, run_code
from models.errors import ConfigError

POOLED: dict[int, Any] = {
    1: nn.AdaptiveAvgPool1d,
    2: nn.AdaptiveAvgPool2d,
    3: nn.AdaptiveAvgPool3d,
}
SPACE = {1: "length", 2: "height, width", 3: "depth, height, width"}
"""By the axes of the maps: what averages them to a grid, and what the axes are called."""


class Step(NamedTuple):
    """One layer on the way from image to maps, and the windows that it slides, in turn."""

    name: str
    module: nn.Module
    windows: tuple[Window, ...]


class ImageEncoder(nn.Module, ABC):
    """Images to maps, maps to an embedding, the embedding to one logit a class.

    `steps` lead to the maps, which are averaged to a grid of `grid` by `grid`, so that any size of
    image will do; the classifier's hidden layers make the embedding, its last layer the logits.
    Without a generator the network has shapes but no weights (device "meta"), to be counted.
    """

    grid: int
    embedding_dim: int
    axes: int = 2
    """Along which the filters slide; shapes are written for two."""

    def __init__(self, config: Any, *, generator: torch.Generator | None) -> None:
        super().__init__()
        for name in ("in_channels", "grid"):
            check_count(name, getattr(config, name))
        if config.n_classes is not None:
            check_count("n_classes", config.n_classes)
        self.config = config
        self.in_channels: int = config.in_channels
        self.n_classes: int | None = config.n_classes
        with torch.device("meta"):  # nothing is drawn from a hidden generator
            self.assemble(config)
            self.avgpool = POOLED[self.axes](config.grid)
        self.smallest_side = smallest_input([w for step in self.steps() for w in step.windows])
        if generator is not None:
            self.to_empty(device=generator.device)
            initialise(self, generator)

    @abstractmethod
    def assemble(self, config: Any) -> None:
        """Make the modules, named as the weights that are published, and set embedding_dim."""

    @abstractmethod
    def steps(self) -> list[Step]:
        """The layers from image to maps."""

    @abstractmethod
    def hidden_modules(self) -> list[nn.Module]:
        """The layers from the flattened grid to the embedding."""

    @property
    @abstractmethod
    def head_name(self) -> str:
        """Where the last layer stands among the modules, or would."""

    @property
    def head(self) -> nn.Linear:
        """The last layer. Raises ConfigError where there is none."""
        if self.n_classes is None:
            detail = "The network was built without a classifier; give n_classes, or only embed."
            raise ConfigError("n_classes", detail)
        head = self.get_submodule(self.head_name)
        assert isinstance(head, nn.Linear)
        return head

    @property
    def optional_tensors(self) -> tuple[str, ...]:
        """How the names of weights begin that a file may hold and this network does without."""
        return () if self.n_classes is not None else (f"{self.head_name}.",)

    def embed(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The embedding of each image, (batch, embedding_dim); dropout only with a generator.

        images (batch, in_channels, height, width)
        """
        maps = self.maps(images)
        return self.embed_maps(maps, generator)

    def maps(self, images: Tensor) -> Tensor:
        """What the last of the steps finds, (batch, channels, height', width')."""
        maps = self.read(images)
        for step in self.steps():
            maps = step.module(maps)
        return maps

    def embed_maps(self, maps: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The embedding from the last maps, (batch, embedding_dim)."""
        flat = torch.flatten(self.avgpool(maps), 1)  # (batch, channels * grid * grid)
        return run_code(self.hidden_modules(), flat, generator)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """One logit a class, (batch, n_classes); dropout only with a generator."""
        logits: Tensor = self.head(self.embed(images, generator))
        return logits

    def all_logits(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, ...]:
        """As `forward`, and after it the logits of auxiliary heads, where there are any."""
        return (self(images, generator),)

    def feature_maps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """What each layer finds: its name and its maps, (batch, channels, height', width')."""
        maps = self.read(images)
        for step in self.steps():
            maps = step.module(maps)
            yield step.name, maps

    def receptive_fields(self) -> dict[str, ReceptiveField]:
        """What one value of each layer's maps sees of the image."""
        steps = self.steps()
        fields = receptive_fields([window for step in steps for window in step.windows])
        seen, end = {}, 0
        for step in steps:
            end += len(step.windows)
            seen[step.name] = fields[end - 1]
        return seen

    def read(self, images: Tensor) -> Tensor:
        """The images as the first layer reads them. Raises ConfigError when it cannot."""
        if images.dim() != self.axes + 2 or images.shape[1] != self.in_channels:
            detail = (
                f"The images have the shape {tuple(images.shape)}; this network reads (batch, "
                f"{self.in_channels}, {SPACE[self.axes]}). Convert them, or set in_channels."
            )
            raise ConfigError("in_channels", detail)
        space = images.shape[2:]
        if min(space) < self.smallest_side:
            detail = (
                f"The images are {' by '.join(map(str, space))} pixels; this network needs "
                f"{self.smallest_side} a side. Enlarge them, or build it for small images."
            )
            raise ConfigError("image", detail)
        return images

    def renew_head(self, n_classes: int, generator: torch.Generator) -> None:
        """Put a fresh last layer in place of the one there is, or where there was none."""
        check_count("n_classes", n_classes)
        parent, _, name = self.head_name.rpartition(".")
        head = new_linear(self.embedding_dim, n_classes, generator)
        setattr(self.get_submodule(parent), name, head)
        self.config = replace(self.config, n_classes=n_classes)
        self.n_classes = n_classes
