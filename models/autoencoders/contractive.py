"""The contractive autoencoder: a code that hardly moves when the row moves a little.

Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature extraction":
loss = reconstruction + lambda ||J(x)||_F^2, J the Jacobian of the code by what the encoder reads.
As there, the decoder's matrix is the encoder's transposed, unless the config says otherwise:
else the encoder could shrink, and the decoder grow, at no cost.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from models.autoencoders.base import Autoencoder, LossTerms
from models.autoencoders.jacobian import CLOSED_FORMS, closed_form, exact, hutchinson
from models.autoencoders.layers import (
    WideLinear,
    check_activation,
    check_widths,
    dense_stack,
    first_of,
    initialise,
    sparse_stack,
)
from models.autoencoders.losses import LossName, check_loss
from models.autoencoders.tied import TiedLinear, tied_stack
from models.errors import ConfigError, choice_error
from models.rows import Rows

Norm = Literal["exact", "hutchinson"]


@dataclass(frozen=True)
class ContractiveConfig:
    """Hyperparameters of a contractive autoencoder."""

    hidden_dims: tuple[int, ...] = ()
    """Widths between input and code, outermost first; none in the paper."""
    latent_dim: int = 200
    """Width of the code."""
    activation: str = "sigmoid"
    contraction_weight: float = 0.1
    """Lambda: what the squared norm of a row's Jacobian costs."""
    norm: Norm = "exact"
    """How the norm is computed: `exact` goes through every unit of the code (one sigmoid or tanh
    layer: in closed form), `hutchinson` estimates it from a few random directions.
    """
    n_probes: int = 1
    """Directions of `hutchinson`."""
    tied: bool = True
    """Decode with the encoder's own matrices, transposed."""
    loss: LossName = "multinomial"

    def __post_init__(self) -> None:
        check_widths(self.hidden_dims, self.latent_dim)
        check_activation("activation", self.activation)
        check_loss("loss", self.loss)
        if not self.contraction_weight >= 0:
            raise ConfigError("contraction_weight", "contraction_weight must not be negative.")
        if self.norm not in get_args(Norm):
            raise choice_error("norm", self.norm, get_args(Norm))
        if self.n_probes < 1:
            raise ConfigError("n_probes", "n_probes must be at least 1.")


class ContractiveAutoencoder(Autoencoder):
    """Symmetric: n_items -> hidden_dims -> latent_dim -> hidden_dims reversed -> n_items."""

    def __init__(self, config: ContractiveConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, config.loss)
        self.config = config
        dims = (*config.hidden_dims, config.latent_dim)
        self.encoder = sparse_stack(n_items, dims, config.activation)
        if config.tied:
            self.decoder = tied_stack(self.encoder)
            self.output = TiedLinear(first_of(self.encoder))
        else:
            self.decoder = dense_stack(dims[::-1], config.activation)
            self.output = WideLinear(dims[0], n_items)
        initialise(self, generator)

    def code_of(self, seen: Rows) -> Tensor:
        return self._encode(seen)[1]

    def hidden(self, code: Tensor) -> Tensor:
        hidden: Tensor = self.decoder(code)
        return hidden

    def contraction(self, x: Rows, generator: torch.Generator) -> Tensor:
        """The squared Frobenius norm of each row's Jacobian, (batch,).

        By the row as the first layer reads it, so after `read`.
        """
        return self._contraction(*self._encode(self.read(x)), generator)

    def loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        """The reconstruction, and the mean squared norm of the rows' Jacobians times its weight."""
        first, code = self._encode(self.seen(x, generator))
        reconstruction = self.reconstruction(code, x, generator)
        contraction = self._contraction(first, code, generator).mean()
        return LossTerms(reconstruction, self.config.contraction_weight * contraction)

    def _encode(self, seen: Rows) -> tuple[Tensor, Tensor]:
        """What the first layer gives before its activation (batch, dims[0]), and the code."""
        first = first_of(self.encoder)(seen)
        return first, self.encoder[1:](first)

    def _contraction(self, first: Tensor, code: Tensor, generator: torch.Generator) -> Tensor:
        weight = first_of(self.encoder).weight
        config = self.config
        if config.norm == "hutchinson":
            return hutchinson(first, code, weight, config.n_probes, generator)
        if not config.hidden_dims and config.activation in CLOSED_FORMS:
            return closed_form(code, weight, config.activation)
        return exact(first, code, weight)
