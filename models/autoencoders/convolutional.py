"""The convolutional autoencoder: any image encoder, a code, and a decoder that mirrors the encoder.

Not for rows without a picture in them; signals and volumes have kinds of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from models.augmentation import check_shift, relight, shift
from models.autoencoders.agreement import disagreement
from models.autoencoders.base import LossTerms
from models.autoencoders.corruption import CorruptionName, check_corruption
from models.autoencoders.layers import check_shape, check_widths
from models.autoencoders.losses import LOSSES, LossName, check_loss
from models.autoencoders.search import Judge
from models.autoencoders.shaped import ShapedAutoencoder, check_options
from models.autoencoders.whitening import Whitening, check_share
from models.encoders.base import ImageEncoder
from models.encoders.catalog import ENCODERS, build_encoder
from models.errors import ConfigError, choice_error
from models.rows import Rows, unit_values

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
    """Changes of the encoder's table; the code stands for its classifier."""
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
        if self.encoder not in ENCODERS:
            raise choice_error("encoder", self.encoder, ENCODERS)
        check_shape(self.shape, ("channels", "height", "width"))
        check_options(self.encoder, self.encoder_options, small=self.small)
        check_widths((), self.latent_dim)
        check_corruption(self.corruption, self.corruption_rate)
        check_loss("loss", self.loss)
        check_shift(self.shift)
        for name in ("relight", "agreement_weight"):
            if not getattr(self, name) >= 0:
                raise ConfigError(name, f"{name} must not be negative.")
        if self.whitening is not None:
            check_share("whitening", self.whitening)


class ConvolutionalAutoencoder(ShapedAutoencoder):
    """Image -> maps -> latent_dim -> maps -> image."""

    config: ConvolutionalConfig

    def __init__(
        self, config: ConvolutionalConfig, *, n_items: int, generator: torch.Generator
    ) -> None:
        super().__init__(config, n_items=n_items, generator=generator)
        self.whitening = (
            None if config.whitening is None else Whitening(config.latent_dim, config.whitening)
        )

    def make_encoder(
        self, options: Mapping[str, Any], generator: torch.Generator | None
    ) -> ImageEncoder:
        small = self.config.small
        return build_encoder(self.config.encoder, options, small=small, generator=generator)

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
        """Move, relight and damage the images as the config says."""
        if self.config.shift:
            x = shift(self.maps_of(x), self.config.shift, generator).flatten(1)
        if self.config.relight:
            x = relight(self.maps_of(x), self.config.relight, generator).flatten(1)
        return super().corrupt(x, generator)

    @torch.no_grad()
    def solve(self, x: Rows, judge: Judge | None = None) -> None:
        """Learn from the codes of all training images, which may be bytes, how to even them out."""
        if self.whitening is not None:
            numbers = torch.split(torch.arange(len(x)), CHUNK)
            images = x.to_dense()
            codes = [self.encode(unit_values(images[each])) for each in numbers]
            self.whitening.learn(torch.cat(codes))

    def user_embeddings(self, x: Rows, space: str) -> Tensor | None:
        """The code, evened out where the config says so; there is no space of pixels as rows."""
        code = super().user_embeddings(x, space)
        return code if code is None or self.whitening is None else self.whitening(code)
