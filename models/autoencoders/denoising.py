"""The denoising autoencoder: sees a damaged row in training and must rebuild the whole one.

Vincent et al. 2008, "Extracting and composing robust features with denoising autoencoders";
with a multinomial likelihood it is the Mult-DAE of Liang et al. 2018.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.autoencoders.base import Autoencoder
from models.autoencoders.layers import check_activation, dense_stack, initialise, sparse_stack
from models.autoencoders.losses import LossName, check_loss
from models.errors import ConfigError
from models.rows import SparseRows


@dataclass(frozen=True)
class DenoisingConfig:
    """Hyperparameters of a denoising autoencoder."""

    hidden_dims: tuple[int, ...] = (600,)
    """Widths between input and bottleneck, outermost first; the decoder mirrors them."""
    latent_dim: int = 200
    """Width of the bottleneck."""
    corruption_rate: float = 0.5
    """Share of a row's entries hidden from the network in training."""
    activation: str = "tanh"
    loss: LossName = "multinomial"

    def __post_init__(self) -> None:
        if min((*self.hidden_dims, self.latent_dim)) < 1:
            raise ConfigError("latent_dim", "every width must be at least 1.")
        if not 0 <= self.corruption_rate < 1:
            detail = f"corruption_rate is {self.corruption_rate}; it must be in [0, 1)."
            raise ConfigError("corruption_rate", detail)
        check_activation("activation", self.activation)
        check_loss("loss", self.loss)


class DenoisingAutoencoder(Autoencoder):
    """Symmetric: n_items -> hidden_dims -> latent_dim -> hidden_dims reversed -> n_items."""

    def __init__(self, config: DenoisingConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, config.loss)
        self.corruption_rate = config.corruption_rate
        dims = (*config.hidden_dims, config.latent_dim)
        self.encoder = sparse_stack(n_items, dims, config.activation)
        self.decoder = dense_stack(dims[::-1], config.activation)
        self.output = nn.Linear(dims[0], n_items)
        initialise(self, generator)

    def corrupt(self, x: SparseRows, generator: torch.Generator) -> SparseRows:
        """Hide each entry with probability corruption_rate and scale up what is left."""
        kept = torch.rand(x.values.shape, generator=generator) >= self.corruption_rate
        return x.with_values(x.values * kept / (1 - self.corruption_rate))

    def encode(self, x: SparseRows) -> Tensor:
        code: Tensor = self.encoder(x.unit_rows())
        return code

    def hidden(self, code: Tensor) -> Tensor:
        hidden: Tensor = self.decoder(code)
        return hidden
