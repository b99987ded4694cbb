"""The sparse autoencoder: a code wider than the input, of which a row uses only a little.

`k-sparse`: only the k largest activations of a row are decoded, the others are zero (Makhzani &
Frey 2013, "k-sparse autoencoders"; the code is linear: the choice is the non-linearity).
`kl`: a sigmoid code whose mean activation over the batch, unit by unit, is held near a small rho
by the penalty beta sum_j KL(rho || rho_j), with KL(a || b) = a log a/b + (1 - a) log (1-a)/(1-b)
(Ng 2011, "Sparse autoencoder", CS294A lecture notes, sec. 3).
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from models.autoencoders.base import Autoencoder
from models.autoencoders.layers import (
    SparseLinear,
    WideLinear,
    check_activation,
    check_widths,
    dense_stack,
    initialise,
    sparse_stack,
)
from models.autoencoders.losses import LossName, check_loss
from models.errors import ConfigError, choice_error
from models.rows import Rows

Form = Literal["k-sparse", "kl"]


@dataclass(frozen=True)
class SparseConfig:
    """Hyperparameters of a sparse autoencoder."""

    form: Form = "k-sparse"
    hidden_dims: tuple[int, ...] = (200,)
    """Widths between input and code, outermost first; none in the papers, but with many items
    a code wider than all of them is affordable only behind a narrow layer.
    """
    latent_dim: int | None = None
    """Width of the code; must be above the number of items. None: one and a half times that."""
    k: int | None = None
    """k-sparse: activations that are decoded, of each row. None: a quarter of the code, at most
    50.
    """
    sparsity_target: float = 0.05
    """kl: rho, the mean activation that each unit is held to."""
    sparsity_weight: float = 0.01
    """kl: beta, what a unit's distance from it costs."""
    activation: str = "tanh"
    """Of the hidden layers; that of the code is the form's own."""
    loss: LossName = "multinomial"

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise choice_error("form", self.form, get_args(Form))
        check_widths(self.hidden_dims, 1 if self.latent_dim is None else self.latent_dim)
        check_activation("activation", self.activation)
        check_loss("loss", self.loss)
        if not 0 < self.sparsity_target < 1:
            detail = f"sparsity_target is {self.sparsity_target}; it must be between 0 and 1."
            raise ConfigError("sparsity_target", detail)
        if not self.sparsity_weight >= 0:
            raise ConfigError("sparsity_weight", "sparsity_weight must not be negative.")
        self._check_k()

    def _check_k(self) -> None:
        if self.k is None:
            return
        if self.form == "kl":
            detail = "k belongs to the form k-sparse; kl has sparsity_target instead."
            raise ConfigError("k", detail)
        if self.k < 1:
            raise ConfigError("k", f"k is {self.k}; it must be at least 1.")


class SparseAutoencoder(Autoencoder):
    """n_items -> hidden_dims -> latent_dim -> hidden_dims reversed -> n_items.

    Raises ConfigError when the code is not wider than the input, or not sparse.
    """

    def __init__(self, config: SparseConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, config.loss)
        self.config = config
        latent_dim = _width(config, n_items)
        self.k = _k(config, latent_dim)
        hidden_dims = config.hidden_dims
        if hidden_dims:
            self.encoder = sparse_stack(n_items, hidden_dims, config.activation)
            self.encoder.append(nn.Linear(hidden_dims[-1], latent_dim))
        else:
            self.encoder = nn.Sequential(SparseLinear(n_items, latent_dim))
        dims = (latent_dim, *hidden_dims[::-1])
        self.decoder = dense_stack(dims, config.activation)
        self.output = WideLinear(dims[-1], n_items)
        initialise(self, generator)

    def code_of(self, seen: Rows) -> Tensor:
        activations = self.encoder(seen)
        if self.config.form == "kl":
            return torch.sigmoid(activations)
        return keep_largest(activations, self.k)

    def hidden(self, code: Tensor) -> Tensor:
        hidden: Tensor = self.decoder(code)
        return hidden

    def penalty(self, code: Tensor) -> Tensor:
        """kl: the weighted distance of the batch's mean activations from their target."""
        if self.config.form == "k-sparse":
            return code.new_zeros(())
        mean = code.mean(dim=0)  # (latent_dim,)
        return self.config.sparsity_weight * distance(self.config.sparsity_target, mean).sum()


def keep_largest(activations: Tensor, k: int) -> Tensor:
    """The k largest of each row, zero in place of the others; of equal ones, so many as it takes.

    activations (batch, latent_dim) -> (batch, latent_dim)
    """
    values, places = activations.topk(k, dim=1)
    return torch.zeros_like(activations).scatter(1, places, values)


def distance(target: float, mean: Tensor) -> Tensor:
    """KL(target || mean) of coins, one each: (latent_dim,) -> (latent_dim,).

    A mean of 0 or 1, as rounding can give, counts as the nearest number that is neither.
    """
    eps = torch.finfo(mean.dtype).eps
    mean = mean.clamp(eps, 1 - eps)
    rho = torch.tensor(target, dtype=mean.dtype)
    return rho * (rho / mean).log() + (1 - rho) * ((1 - rho) / (1 - mean)).log()


def _width(config: SparseConfig, n_items: int) -> int:
    if config.latent_dim is None:
        return n_items * 3 // 2 + 1
    if config.latent_dim <= n_items:
        detail = (
            f"latent_dim is {config.latent_dim} but there are {n_items} items: a sparse code is "
            f"wider than its input. Take at least {n_items + 1}, or leave it out."
        )
        raise ConfigError("latent_dim", detail)
    return config.latent_dim


def _k(config: SparseConfig, latent_dim: int) -> int:
    if config.k is None:
        return min(50, max(1, latent_dim // 4))
    if config.k >= latent_dim:
        detail = (
            f"k is {config.k} but the code has only {latent_dim} units: then it is not sparse. "
            f"Take at most {latent_dim - 1}."
        )
        raise ConfigError("k", detail)
    return config.k
