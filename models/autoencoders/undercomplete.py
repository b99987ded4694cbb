"""The undercomplete autoencoder: one hidden layer, narrower than the input. Nothing else.

The lesson's first network: h = sigmoid(W x + b), x_hat = sigmoid(W' h + b'), trained to make
|x - x_hat| small. What it learns, it learns because the code is too small to copy the row.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.autoencoders.base import Autoencoder
from models.autoencoders.layers import check_activation, initialise, sparse_stack
from models.autoencoders.losses import LossName, check_loss
from models.errors import ConfigError
from models.rows import SparseRows


@dataclass(frozen=True)
class UndercompleteConfig:
    """Hyperparameters of an undercomplete autoencoder."""

    latent_dim: int = 2
    """Width of the hidden layer; must be below the number of items."""
    activation: str = "sigmoid"
    loss: LossName = "bernoulli"

    def __post_init__(self) -> None:
        if self.latent_dim < 1:
            raise ConfigError("latent_dim", "latent_dim must be at least 1.")
        check_activation("activation", self.activation)
        check_loss("loss", self.loss)


class UndercompleteAutoencoder(Autoencoder):
    """n_items -> latent_dim -> n_items. Raises ConfigError when the code is not narrower."""

    def __init__(self, config: UndercompleteConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, config.loss)
        if config.latent_dim >= n_items:
            detail = (
                f"latent_dim is {config.latent_dim} but there are only {n_items} items: an "
                f"undercomplete code is narrower than its input. Take at most {n_items - 1}."
            )
            raise ConfigError("latent_dim", detail)
        self.encoder = sparse_stack(n_items, (config.latent_dim,), config.activation)
        self.output = nn.Linear(config.latent_dim, n_items)
        initialise(self, generator)

    def encode(self, x: SparseRows) -> Tensor:
        code: Tensor = self.encoder(x)
        return code

    def hidden(self, code: Tensor) -> Tensor:
        return code
