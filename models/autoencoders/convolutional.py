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

from models.augmentation import check_shift, relight, shift
from models.autoencoders.agreement import disagreement
from models.autoencoders.base import LossTerms, Network, Pass, TrainingPhase
from models.autoencoders.corruption import CORRUPTIONS, CorruptionName, check_corruption
from models.autoencoders.layers import check_shape, check_widths
from models.autoencoders.losses import LOSSES, LossName, check_loss
from models.autoencoders.search import Judge
from models.autoencoders.whitening import Whitening, check_share
from models.encoders.catalog import build_encoder, make_encoder_config
from models.encoders.initialise import initialise
from models.encoders.mirror import mirror, shapes_of
from models.errors import ConfigError
from models.rows import Rows

CHUNK = 500
"""Images that are encoded at once where all of them are."""


@dataclass(frozen=True)
class ConvolutionalConfig:
    """Hyperparameters of a convolutional autoencoder."""

    shape: tuple[int, ...] = (1, 28, 28)
    """(channels, height, width)"""
    encoder: str = "lenet"
    """A name of `models.encoders.catalog.ENCODERS`."""
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
    """Changes of the encoder's table; the code takes its classifier's place."""
    small: bool = True
    """Whether the encoder has the stem for small images."""
    latent_dim: int = 64
    """Width of the bottleneck."""
    corruption: CorruptionName = "masking"
    corruption_rate: float = 0.0
    """How images are damaged in training, as for `denoising`; 0 leaves them whole."""
    shift: int = 0
    """In training: pixels by which each image is moved at random, each way, before it is read."""
    relight: float = 0.0
    """In training: logarithm of the most by which each image is brighter or darker when read."""
    agreement_weight: float = 0.0
    """What it costs when two damaged views of an image get different codes."""
    whitening: float | None = None
    """Share of the differences in spread that the embedding evens out, for neighbours; None: the
    embedding is the code.
    """
    loss: LossName = "bernoulli"

    def __post_init__(self) -> None:
        check_widths((), self.latent_dim)
        check_corruption(self.corruption, self.corruption_rate)
        check_loss("loss", self.loss)
        check_shift(self.shift)
        for name in ("relight", "agreement_weight"):
            if not getattr(self, name) >= 0:
                raise ConfigError(name, f"{name} must not be negative.")
        if self.whitening is not None:
            check_share("whitening", self.whitening)
        check_shape(self.shape, ("channels", "height", "width"))
        check_options(self.encoder, self.encoder_options, small=self.small)


def check_options(encoder: str, options: Mapping[str, Any], *, small: bool) -> None:
    """Raise ConfigError that names the option of the encoder's table that cannot be used."""
    for name, place in OWN.items():
        if name in options:
            detail = f"{name} of an encoder is not an option here; set {place}."
            raise ConfigError(f"encoder_options/{name}", detail)
    make_encoder_config(encoder)  # raises for the name
    try:
        make_encoder_config(encoder, options, small=small)
    except ConfigError as error:
        raise ConfigError(f"encoder_options/{error.field}", error.detail) from None


OWN = {"in_channels": "shape", "n_classes": "latent_dim", "classifier": "latent_dim"}
"""Options of an encoder that the autoencoder sets itself, and the option that they follow."""


class ConvolutionalAutoencoder(Network):
    """Image -> maps -> latent_dim -> maps -> image. Raises ConfigError for images too small."""

    takes_dense = True

    def __init__(self, config: ConvolutionalConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, config.loss)
        if n_items != prod(config.shape):
            detail = (
                f"Rows of {n_items} numbers are no images of the shape {config.shape}, "
                f"which have {prod(config.shape)}; set shape."
            )
            raise ConfigError("shape", detail)
        self.config = config
        options = {
            **config.encoder_options,
            "in_channels": config.shape[0],
            "n_classes": None,
            "classifier": [],
        }
        outline = build_encoder(config.encoder, options, small=config.small, generator=None)
        shapes = shapes_of(outline, config.shape)
        self._map_shape = shapes[-1]
        self.encoder = build_encoder(
            config.encoder, options, small=config.small, generator=generator
        )
        with torch.device("meta"):
            self.to_code = nn.Linear(prod(self._map_shape), config.latent_dim)
            self.from_code = nn.Linear(config.latent_dim, prod(self._map_shape))
        self.whitening = (
            None if config.whitening is None else Whitening(config.latent_dim, config.whitening)
        )
        self.decoder = mirror(self.encoder.steps(), shapes)
        for part in (self.to_code, self.from_code, self.decoder):
            initialise(part.to_empty(device=generator.device), generator)

    def images(self, x: Rows) -> Tensor:
        """The rows as images, (batch, channels, height, width)."""
        return x.to_dense().reshape(len(x), *self.config.shape).to(self.to_code.weight.dtype)

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
        """The training loss of a batch: the corrupted images against the clean ones, and what the
        disagreement of two corruptions costs.
        """
        weight = self.config.agreement_weight
        views = [self.corrupt(x, generator).to_dense() for _ in range(2 if weight else 1)]
        codes = self.encode(torch.cat(views))
        clean = x.to_dense().repeat(len(views), 1)
        reconstruction = LOSSES[self.loss_name].of(self.decode(codes), clean)
        if not weight:
            return LossTerms(reconstruction, codes.new_zeros(()))
        return LossTerms(reconstruction, weight * disagreement(*codes.chunk(2)))

    def corrupt(self, x: Rows, generator: torch.Generator) -> Rows:
        """Damage the images as the config says."""
        config = self.config
        if config.shift:
            x = shift(self.images(x), config.shift, generator).flatten(1)
        if config.relight:
            x = relight(self.images(x), config.relight, generator).flatten(1)
        if not config.corruption_rate:
            return x
        return CORRUPTIONS[config.corruption](x, config.corruption_rate, generator)

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One: all parameters under `loss`."""
        return (TrainingPhase("fit", (Pass(self.loss, tuple(self.parameters())),)),)

    @torch.no_grad()
    def solve(self, x: Rows, judge: Judge | None = None) -> None:
        """Learn from the codes of all training images how to even them out."""
        if self.whitening is not None:
            numbers = torch.split(torch.arange(len(x)), CHUNK)
            images = x.to_dense()
            self.whitening.learn(torch.cat([self.encode(images[each]) for each in numbers]))

    def user_embeddings(self, x: Rows, space: str) -> Tensor | None:
        """The code, evened out where the config says so; there is no space of pixels as rows."""
        if space != "code":
            return None
        code = self.encode(x)
        return code if self.whitening is None else self.whitening(code)
