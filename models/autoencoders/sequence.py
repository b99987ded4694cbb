"""The convolutional autoencoder along one axis: windows of audio or of a time series, or sequences
of items with a channel an item. Not for rows whose columns have no order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from models.autoencoders.corruption import CorruptionName, check_corruption
from models.autoencoders.layers import check_shape, check_widths
from models.autoencoders.losses import LossName, check_loss
from models.autoencoders.shaped import ShapedAutoencoder, check_options
from models.encoders.base import ImageEncoder
from models.encoders.catalog import build_encoder


@dataclass(frozen=True)
class SequenceConfig:
    """Hyperparameters of a convolutional autoencoder over windows."""

    shape: tuple[int, ...] = (1, 128)
    """(channels, length)"""
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
    """Changes of SEQUENCE in `models/encoders/signals.py`; the code stands for its classifier."""
    latent_dim: int = 16
    """Width of the bottleneck."""
    corruption: CorruptionName = "gaussian"
    corruption_rate: float = 0.0
    """How windows are damaged in training, as for `denoising`; 0 leaves them whole."""
    loss: LossName = "squared"

    def __post_init__(self) -> None:
        check_shape(self.shape, ("channels", "length"))
        check_options("sequence", self.encoder_options)
        check_widths((), self.latent_dim)
        check_corruption(self.corruption, self.corruption_rate)
        check_loss("loss", self.loss)


class SequenceAutoencoder(ShapedAutoencoder):
    """Window -> maps -> latent_dim -> maps -> window."""

    config: SequenceConfig

    def make_encoder(
        self, options: Mapping[str, Any], generator: torch.Generator | None
    ) -> ImageEncoder:
        return build_encoder("sequence", options, generator=generator)
