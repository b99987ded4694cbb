"""The autoencoder over rows that have a shape: an encoder of maps, a code, and a decoder that goes
the encoder's way back. Not which encoder: the kinds over images, signals and volumes say that.

Rows are dense, channel by channel and line by line, (batch, channels * height * width), so that
the loop and the losses are those of all kinds.
"""

from abc import abstractmethod
from collections.abc import Mapping
from math import prod
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from models.autoencoders.base import LossTerms, Network, Pass, TrainingPhase
from models.autoencoders.corruption import CORRUPTIONS, CorruptionName
from models.autoencoders.losses import LOSSES, LossName
from models.encoders.base import ImageEncoder
from models.encoders.catalog import make_encoder_config
from models.encoders.initialise import initialise
from models.encoders.mirror import mirror, shapes_of
from models.errors import ConfigError
from models.rows import Rows


class ShapedConfig(Protocol):
    """What the configs of these kinds have in common."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def encoder_options(self) -> Mapping[str, Any]: ...
    @property
    def latent_dim(self) -> int: ...
    @property
    def corruption(self) -> CorruptionName: ...
    @property
    def corruption_rate(self) -> float: ...
    @property
    def loss(self) -> LossName: ...


OWN = {
    "in_channels": "shape",
    "axes": "shape",
    "n_classes": "latent_dim",
    "classifier": "latent_dim",
}
"""Options of an encoder that the autoencoder sets itself, and the option that they follow."""


def check_options(encoder: str, options: Mapping[str, Any], *, small: bool = False) -> None:
    """Raise ConfigError that names the option of the encoder's table that cannot be used."""
    for name, place in OWN.items():
        if name in options:
            detail = f"{name} of an encoder is not an option here; set {place}."
            raise ConfigError(f"encoder_options/{name}", detail)
    try:
        make_encoder_config(encoder, options, small=small)
    except ConfigError as error:
        raise ConfigError(f"encoder_options/{error.field}", error.detail) from None


class ShapedAutoencoder(Network):
    """Row -> maps -> latent_dim -> maps -> row. Raises ConfigError for shapes too small."""

    takes_dense = True

    def __init__(self, config: ShapedConfig, *, n_items: int, generator: torch.Generator) -> None:
        super().__init__(n_items, config.loss)
        if n_items != prod(config.shape):
            detail = (
                f"Rows of {n_items} numbers do not have the shape {config.shape}, which takes "
                f"{prod(config.shape)}; set shape."
            )
            raise ConfigError("shape", detail)
        self.config = config
        options = {
            **config.encoder_options,
            "in_channels": config.shape[0],
            "n_classes": None,
            "classifier": [],
        }
        shapes = shapes_of(self.make_encoder(options, None), config.shape)
        self._map_shape = shapes[-1]
        self.encoder = self.make_encoder(options, generator)
        with torch.device("meta"):
            self.to_code = nn.Linear(prod(self._map_shape), config.latent_dim)
            self.from_code = nn.Linear(config.latent_dim, prod(self._map_shape))
        self.decoder = mirror(self.encoder.steps(), shapes)
        for part in (self.to_code, self.from_code, self.decoder):
            initialise(part.to_empty(device=generator.device), generator)

    @abstractmethod
    def make_encoder(
        self, options: Mapping[str, Any], generator: torch.Generator | None
    ) -> ImageEncoder:
        """The encoder with these options; without a generator it has shapes only."""

    def maps_of(self, x: Rows) -> Tensor:
        """The rows in their shape, (batch, channels, *space)."""
        return x.to_dense().reshape(len(x), *self.config.shape).to(self.to_code.weight.dtype)

    def encode(self, x: Rows) -> Tensor:
        """The code of each row, (batch, latent_dim)."""
        code: Tensor = self.to_code(self.encoder.maps(self.maps_of(x)).flatten(1))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """One logit a number of the row, (batch, n_items)."""
        maps = self.from_code(code).relu().reshape(len(code), *self._map_shape)
        logits: Tensor = self.decoder(maps).flatten(1)
        return logits

    def logits(self, x: Rows) -> Tensor:
        """Encode and decode, (batch, n_items)."""
        return self.decode(self.encode(x))

    def loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        """The training loss of a batch: the corrupted rows against the clean ones."""
        logits = self.logits(self.corrupt(x, generator))
        return LossTerms(LOSSES[self.loss_name].of(logits, x), logits.new_zeros(()))

    def corrupt(self, x: Rows, generator: torch.Generator) -> Rows:
        """Damage the rows as the config says."""
        if not self.config.corruption_rate:
            return x
        return CORRUPTIONS[self.config.corruption](x, self.config.corruption_rate, generator)

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One: all parameters under `loss`."""
        return (TrainingPhase("fit", (Pass(self.loss, tuple(self.parameters())),)),)

    def user_embeddings(self, x: Rows, space: str) -> Tensor | None:
        """The code; there is no space in which pixels are rows."""
        return self.encode(x) if space == "code" else None
