"""The convolutional autoencoder along three axes: volumes such as scans, and clips, whose depth is
their time. Not for single images.
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
class VolumeConfig:
    """Hyperparameters of a convolutional autoencoder over volumes."""

    shape: tuple[int, ...] = (1, 16, 16, 16)
    """(channels, depth, height, width)"""
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
    """Changes of VOLUME in `models/encoders/signals.py`; the code stands for its classifier."""
    latent_dim: int = 32
    """Width of the bottleneck."""
    corruption: CorruptionName = "gaussian"
    corruption_rate: float = 0.0
    """How volumes are damaged in training, as for `denoising`; 0 leaves them whole."""
    loss: LossName = "squared"

    def __post_init__(self) -> None:
        check_shape(self.shape, ("channels", "depth", "height", "width"))
        check_options("volume", self.encoder_options)
        check_widths((), self.latent_dim)
        check_corruption(self.corruption, self.corruption_rate)
        check_loss("loss", self.loss)


class VolumeAutoencoder(ShapedAutoencoder):
    """Volume -> maps -> latent_dim -> maps -> volume."""

    config: VolumeConfig

    def make_encoder(
        self, options: Mapping[str, Any], generator: torch.Generator | None
    ) -> ImageEncoder:
        return build_encoder("volume", options, generator=generator)
