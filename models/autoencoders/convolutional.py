"""The convolutional autoencoder: any image encoder, a code, and a decoder that mirrors the encoder.

Images come as dense rows, channel by channel and line by line, (batch, channels * height * width),
so that the loop and the losses are those of all kinds. Not for rows without a picture in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from models.autoencoders.base import LossTerms, Network, Pass, TrainingPhase
from models.autoencoders.corruption import CORRUPTIONS, CorruptionName, check_corruption
from models.autoencoders.layers import check_widths
from models.autoencoders.losses import LOSSES, LossName, check_loss
from models.encoders.catalog import build_encoder, get_architecture
from models.encoders.initialise import initialise
from models.encoders.mirror import mirror, shapes_of
from models.errors import ConfigError
from models.rows import Rows


@dataclass(frozen=True)
class ConvolutionalConfig:
    """Hyperparameters of a convolutional autoencoder."""

    image_shape: tuple[int, ...] = (1, 28, 28)
    """(channels, height, width)"""
    encoder: str = "lenet"
    """A name of `models.encoders.catalog.ENCODERS`."""
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
    """Changes of the encoder's table, its `classifier` aside: the code takes that place."""
    small: bool = True
    """Whether the encoder has the stem for small images."""
    latent_dim: int = 64
    """Width of the bottleneck."""
    corruption: CorruptionName = "masking"
    corruption_rate: float = 0.0
    """How images are damaged in training, as for `denoising`; 0 leaves them whole."""
    loss: LossName = "bernoulli"

    def __post_init__(self) -> None:
        get_architecture(self.encoder)
        check_widths((), self.latent_dim)
        check_corruption(self.corruption, self.corruption_rate)
        check_loss("loss", self.loss)
        if len(self.image_shape) != 3 or min(self.image_shape) < 1:
            detail = "image_shape must be three numbers: channels, height, width."
            raise ConfigError("image_shape", detail)


class ConvolutionalAutoencoder(Network):
    """Image -> maps -> latent_dim -> maps -> image. Raises ConfigError for images too small."""

    takes_dense = True

    def __init__(self, config: ConvolutionalConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, config.loss)
        if n_items != prod(config.image_shape):
            detail = (
                f"Rows of {n_items} numbers are no images of the shape {config.image_shape}, "
                f"which have {prod(config.image_shape)}; set image_shape."
            )
            raise ConfigError("image_shape", detail)
        self.config = config
        options = {
            **config.encoder_options,
            "in_channels": config.image_shape[0],
            "n_classes": None,
            "classifier": [],
        }
        outline = build_encoder(config.encoder, options, small=config.small, generator=None)
        shapes = shapes_of(outline, tuple(config.image_shape))
        self._map_shape = shapes[-1]
        self.encoder = build_encoder(
            config.encoder, options, small=config.small, generator=generator
        )
        with torch.device("meta"):
            self.to_code = nn.Linear(prod(self._map_shape), config.latent_dim)
            self.from_code = nn.Linear(config.latent_dim, prod(self._map_shape))
        self.decoder = mirror(self.encoder.steps(), shapes)
        for part in (self.to_code, self.from_code, self.decoder):
            initialise(part.to_empty(device=generator.device), generator)

    def images(self, x: Rows) -> Tensor:
        """The rows as images, (batch, channels, height, width)."""
        return x.to_dense().reshape(len(x), *self.config.image_shape).to(self.to_code.weight.dtype)

    def encode(self, x: Rows) -> Tensor:
        """The code of each image, (batch, latent_dim)."""
        code: Tensor = self.to_code(self.encoder.maps(self.images(x)).flatten(1))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """One logit a pixel, (batch, n_items)."""
        maps = self.from_code(code).relu().reshape(len(code), *self._map_shape)
        logits: Tensor = self.decoder(maps).flatten(1)
        return logits

    def logits(self, x: Rows) -> Tensor:
        """Encode and decode, (batch, n_items)."""
        return self.decode(self.encode(x))

    def loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        """The training loss of a batch: the corrupted images against the clean ones."""
        logits = self.logits(self.corrupt(x, generator))
        return LossTerms(LOSSES[self.loss_name].of(logits, x), logits.new_zeros(()))

    def corrupt(self, x: Rows, generator: torch.Generator) -> Rows:
        """Damage the images as the config says."""
        if not self.config.corruption_rate:
            return x
        return CORRUPTIONS[self.config.corruption](x, self.config.corruption_rate, generator)

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One: all parameters under `loss`."""
        return (TrainingPhase("fit", (Pass(self.loss, tuple(self.parameters())),)),)

    def user_embeddings(self, x: Rows, space: str) -> Tensor | None:
        """The code; there is no space in which pixels are rows."""
        return self.encode(x) if space == "code" else None
