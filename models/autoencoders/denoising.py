"""The denoising autoencoder: sees a damaged row in training and must rebuild the whole one.

Vincent et al. 2008, "Extracting and composing robust features with denoising autoencoders", and
2010 for the kinds of damage; with a multinomial likelihood it is the Mult-DAE of Liang et al. 2018.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.autoencoders.base import Autoencoder
from models.autoencoders.corruption import CorruptionName, check_corruption, damaged
from models.autoencoders.layers import (
    WideLinear,
    check_activation,
    check_widths,
    dense_stack,
    initialise,
    sparse_stack,
)
from models.autoencoders.losses import LossName, check_loss
from models.rows import Rows


@dataclass(frozen=True)
class DenoisingConfig:
    """Hyperparameters of a denoising autoencoder."""

    hidden_dims: tuple[int, ...] = (600,)
    """Widths between input and bottleneck, outermost first; the decoder mirrors them."""
    latent_dim: int = 200
    """Width of the bottleneck."""
    corruption: CorruptionName = "masking"
    """How rows are damaged: `masking` hides entries, `salt-and-pepper` sets them to an extreme,
    `gaussian` adds noise to all. The last two make a batch dense.
    """
    corruption_rate: float = 0.5
    """The share of entries that are damaged; gaussian: the noise's standard deviation."""
    activation: str = "tanh"
    loss: LossName = "multinomial"

    def __post_init__(self) -> None:
        check_widths(self.hidden_dims, self.latent_dim)
        check_corruption(self.corruption, self.corruption_rate)
        check_activation("activation", self.activation)
        check_loss("loss", self.loss)


class DenoisingAutoencoder(Autoencoder):
    """Symmetric: n_items -> hidden_dims -> latent_dim -> hidden_dims reversed -> n_items."""

    def __init__(self, config: DenoisingConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, config.loss)
        self.config = config
        dims = (*config.hidden_dims, config.latent_dim)
        self.encoder = sparse_stack(n_items, dims, config.activation)
        self.decoder = dense_stack(dims[::-1], config.activation)
        self.output = WideLinear(dims[0], n_items)
        initialise(self, generator)

    def seen(self, x: Rows, generator: torch.Generator) -> Rows:
        """The rows read, and damaged as the config says."""
        config = self.config
        return damaged(x, self.read, config.corruption, config.corruption_rate, generator)

    def code_of(self, seen: Rows) -> Tensor:
        code: Tensor = self.encoder(seen)
        return code

    def hidden(self, code: Tensor) -> Tensor:
        hidden: Tensor = self.decoder(code)
        return hidden
