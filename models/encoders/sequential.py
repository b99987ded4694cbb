"""Networks whose layers stand in a row: LeNet, AlexNet, ZF Net, VGG, and those of signals.

Their one reader.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from torch import nn

from models.encoders.base import ImageEncoder, Step
from models.encoders.layers import (
    CODE_LAYERS,
    CONVOLUTIONS,
    MAP_LAYERS,
    CodeLayer,
    MapLayer,
    Pool,
    check_lines,
    code_modules,
    map_modules,
)
from models.errors import ConfigError


@dataclass(frozen=True)
class SequentialConfig:
    """An architecture as a table."""

    features: tuple[MapLayer, ...]
    """From image to maps."""
    grid: int
    """Side to which the last maps are averaged before the classifier reads them."""
    classifier: tuple[CodeLayer, ...]
    """Hidden layers of the classifier; the last one leaves the embedding."""
    in_channels: int = 3
    n_classes: int | None = 1000
    """None: no last layer, only an embedding."""
    axes: Literal[1, 2, 3] = 2
    """Along which the filters slide: 1 for signals, 2 for images, 3 for volumes and clips."""

    def __post_init__(self) -> None:
        if self.axes not in CONVOLUTIONS:
            raise ConfigError("axes", f"axes is {self.axes!r}; filters slide along 1, 2 or 3.")
        check_lines("features", self.features, MAP_LAYERS)
        check_lines("classifier", self.classifier, CODE_LAYERS)


class SequentialEncoder(ImageEncoder):
    """Reads the table from top to bottom. Weights are named `features.N` and `classifier.N`."""

    def assemble(self, config: SequentialConfig) -> None:
        self.axes = config.axes
        modules: list[nn.Module] = []
        names: Counter[str] = Counter()
        self._spans: list[tuple[str, int, int, MapLayer]] = []
        channels = config.in_channels
        for line in config.features:
            made, channels = map_modules(line, channels, config.axes)
            word = f"{line.kind}pool" if isinstance(line, Pool) else line.layer
            names[word] += 1
            span = (len(modules), len(modules) + len(made))
            self._spans.append((f"{word}{names[word]}", *span, line))
            modules += made
        self.features = nn.Sequential(*modules)
        width = channels * config.grid**config.axes
        hidden, self.embedding_dim = code_modules(config.classifier, width)
        self._n_hidden = len(hidden)
        heads = (
            [] if config.n_classes is None else [nn.Linear(self.embedding_dim, config.n_classes)]
        )
        self.classifier = nn.Sequential(*hidden, *heads)

    def steps(self) -> list[Step]:
        return [
            Step(name, self.features[start:end], (line.window,))
            for name, start, end, line in self._spans
        ]

    def hidden_modules(self) -> list[nn.Module]:
        return list(self.classifier)[: self._n_hidden]

    @property
    def optional_tensors(self) -> tuple[str, ...]:
        return () if self.n_classes is not None else ("classifier.",)

    @property
    def head_name(self) -> str:
        return f"classifier.{self._n_hidden}"
