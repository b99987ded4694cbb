"""The undercomplete autoencoder: one hidden layer, narrower than the input. Nothing else.

The lesson's first network: h = sigmoid(W x + b), x_hat = sigmoid(W' h + b'), trained to make
|x - x_hat| small. What it learns, it learns because the code is too small to copy the row.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.autoencoders.base import Autoencoder
from models.autoencoders.layers import (
    WideLinear,
    check_activation,
    check_widths,
    initialise,
    sparse_stack,
)
from models.autoencoders.losses import LossName, check_loss
from models.errors import ConfigError
from models.rows import Rows


@dataclass(frozen=True)
class UndercompleteConfig:
    """Hyperparameters of an undercomplete autoencoder."""

    latent_dim: int | None = None
    """Width of the hidden layer; must be below the number of items. None: half of it, at most
    100.
    """
    activation: str = "sigmoid"
    """Of the hidden layer; the output's belongs to the loss, for `bernoulli` also a sigmoid."""
    loss: LossName = "bernoulli"

    def __post_init__(self) -> None:
        check_widths((), 1 if self.latent_dim is None else self.latent_dim)
        check_activation("activation", self.activation)
        check_loss("loss", self.loss)


class UndercompleteAutoencoder(Autoencoder):
    """n_items -> latent_dim -> n_items. Raises ConfigError when the code is not narrower."""

    def __init__(self, config: UndercompleteConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, config.loss)
        latent_dim = _width(config, n_items)
        self.encoder = sparse_stack(n_items, (latent_dim,), config.activation)
        self.output = WideLinear(latent_dim, n_items)
        initialise(self, generator)

    def read(self, x: Rows) -> Rows:
        """As they are: so the lesson reckons."""
        return x

    def code_of(self, seen: Rows) -> Tensor:
        code: Tensor = self.encoder(seen)
        return code

    def hidden(self, code: Tensor) -> Tensor:
        return code


def _width(config: UndercompleteConfig, n_items: int) -> int:
    latent_dim = min(100, max(1, n_items // 2)) if config.latent_dim is None else config.latent_dim
    if latent_dim >= n_items:
        detail = (
            f"latent_dim is {latent_dim} but there are only {n_items} items: an undercomplete "
            f"code is narrower than its input. Take at most {n_items - 1}."
        )
        raise ConfigError("latent_dim", detail)
    return latent_dim
