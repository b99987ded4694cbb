"""Variational autoencoders: the code is a normal distribution, and the loss keeps it near a prior.

Both forms minimise -E_q(z|x)[log p(x | z)] + weight KL(q(z | x) || prior), where q(z | x) is a
normal of independent coordinates, with entries of the row hidden in training. Here is `mult-vae`
(Liang et al. 2018, "Variational autoencoders for collaborative filtering"): a standard normal
prior, and a weight that rises from 0 to `beta` over the first updates. `recvae.py` has the other.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from models.autoencoders.base import Autoencoder, LossTerms, Pass, TrainingPhase
from models.autoencoders.corruption import damaged
from models.autoencoders.layers import (
    WideLinear,
    check_activation,
    check_widths,
    dense_stack,
    initialise,
    sparse_stack,
)
from models.autoencoders.losses import LossName, check_loss, wide_loss
from models.errors import ConfigError, choice_error
from models.precision import widened
from models.rows import Rows, among

Form = Literal["mult-vae", "recvae"]


@dataclass(frozen=True)
class VariationalConfig:
    """Hyperparameters of a variational autoencoder."""

    form: Form = "mult-vae"
    hidden_dims: tuple[int, ...] | None = None
    """Widths between input and code, outermost first; the decoder of mult-vae mirrors them, that
    of recvae is one linear layer. None: 600; recvae: five times 600, whose widths must be equal.
    """
    latent_dim: int = 200
    """Width of the code."""
    corruption_rate: float = 0.5
    """Share of a row's entries hidden from the encoder in training."""
    activation: str = "tanh"
    """mult-vae: recvae always has swish."""
    beta: float = 0.2
    """mult-vae: the weight of the KL term, once it has risen."""
    annealing_steps: int = 2_000
    """mult-vae: updates over which it rises, in a straight line; 0: it is there at once."""
    gamma: float = 0.005
    """recvae: the weight of the KL term for each item that the user has."""
    loss: LossName = "multinomial"
    sampled_share: float = 1.0
    """Share of the items, drawn anew for each batch, among which the loss is reckoned."""

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise choice_error("form", self.form, get_args(Form))
        check_widths(self.widths, self.latent_dim)
        check_activation("activation", self.activation)
        check_loss("loss", self.loss)
        if not self.widths or (self.form == "recvae" and len(set(self.widths)) > 1):
            detail = f"hidden_dims is {self.widths}; it needs a width, and in recvae all are equal."
            raise ConfigError("hidden_dims", detail)
        if not 0 <= self.corruption_rate < 1:
            detail = f"corruption_rate is {self.corruption_rate}; it must be in [0, 1)."
            raise ConfigError("corruption_rate", detail)
        if not 0 < self.sampled_share <= 1 or (self.sampled_share < 1 and self.loss == "cosine"):
            detail = (
                f"sampled_share is {self.sampled_share}; it must be in (0, 1], and 1 for the loss "
                "'cosine', which is no sum over items."
            )
            raise ConfigError("sampled_share", detail)
        for name in ("beta", "annealing_steps", "gamma"):
            if not getattr(self, name) >= 0:
                raise ConfigError(name, f"{name} must not be negative.")

    @property
    def widths(self) -> tuple[int, ...]:
        """The hidden widths, the default filled in."""
        if self.hidden_dims is None:
            return (600,) * (5 if self.form == "recvae" else 1)
        return self.hidden_dims


class Normal(NamedTuple):
    """Independent normals, mean and log variance (batch, latent_dim)."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """mean + deviation * noise, so that the gradient passes (Kingma & Welling 2014)."""
        mean = self.mean
        noise = torch.randn(mean.shape, generator=generator, device=mean.device).to(mean.dtype)
        return mean + (self.log_variance / 2).exp() * noise

    def kl_to_standard(self) -> Tensor:
        """KL to the standard normal, in closed form, (batch,)."""
        variance = self.log_variance.exp()
        return (variance + self.mean.square() - 1 - self.log_variance).sum(dim=1) / 2


def normal_of(moments: Tensor) -> Normal:
    """From means and log variances side by side, (batch, 2 latent_dim)."""
    return Normal(*widened(moments).chunk(2, dim=1))


class Variational(Autoencoder):
    """What both forms share: the answer's code is the mean, that of training a sample."""

    def __init__(self, config: VariationalConfig, *, n_items: int):
        super().__init__(n_items, config.loss)
        self.config = config

    @abstractmethod
    def posterior(self, seen: Rows) -> Normal:
        """q(z | x), of rows as `read` gives them."""

    def code_of(self, seen: Rows) -> Tensor:
        return self.posterior(seen).mean

    def seen(self, x: Rows, generator: torch.Generator) -> Rows:
        """The rows as they are read, some entries hidden and what is left scaled up."""
        return damaged(x, self.read, "masking", self.config.corruption_rate, generator)

    def loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        posterior = self.posterior(self.seen(x, generator))
        z = posterior.sample(generator)
        reconstruction = self.reconstruction(z, x, generator)
        return LossTerms(reconstruction, self.weighted_kl(x, posterior, z).mean())

    def reconstruction(self, code: Tensor, x: Rows, generator: torch.Generator) -> Tensor:
        """The loss of clean rows given their codes; estimated from a sample of the items where the
        config says so.

        Only the items drawn compete then: the likelihood of what a row has of them, given that
        it is among them, which is right of the same weights (McFadden 1978, "Modelling the choice
        of residential location", for the multinomial). It is scaled up to what all items have.
        """
        share = self.config.sampled_share
        if share == 1 or isinstance(x, Tensor):
            return super().reconstruction(code, x, generator)
        item_nums = torch.randperm(self.n_items, generator=generator, device=code.device)
        item_nums = item_nums[: math.ceil(share * self.n_items)].sort().values
        weight, bias = (p.index_select(0, item_nums) for p in self.output.parameters())
        among_them = among(x, item_nums)
        return wide_loss(self.loss_name, self.hidden(code), weight, bias, among_them) / share

    @abstractmethod
    def weighted_kl(self, x: Rows, posterior: Normal, z: Tensor) -> Tensor:
        """The KL term of each row, by its weight, (batch,)."""


class MultVae(Variational):
    """Symmetric: n_items -> widths -> mean and log variance -> widths reversed -> n_items."""

    steps: Tensor

    def __init__(self, config: VariationalConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(config, n_items=n_items)
        self.encoder = sparse_stack(n_items, config.widths, config.activation)
        self.moments = nn.Linear(config.widths[-1], 2 * config.latent_dim)
        decoder_dims = (config.latent_dim, *config.widths[::-1])
        self.decoder = dense_stack(decoder_dims, config.activation)
        self.output = WideLinear(config.widths[0], n_items)
        # Saved with the weights: a fit that goes on must go on with the same weight of the KL.
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        initialise(self, generator)

    def posterior(self, seen: Rows) -> Normal:
        return normal_of(self.moments(self.encoder(seen)))

    def hidden(self, code: Tensor) -> Tensor:
        hidden: Tensor = self.decoder(code)
        return hidden

    def weighted_kl(self, x: Rows, posterior: Normal, z: Tensor) -> Tensor:
        return self.kl_weight * posterior.kl_to_standard()

    @property
    def kl_weight(self) -> float:
        """beta min(1, updates / annealing_steps): Bowman et al. 2016, with the cap of Liang."""
        steps, end = int(self.steps), self.config.annealing_steps
        return self.config.beta * (1.0 if steps >= end else steps / end)

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One, which counts its updates."""
        return (TrainingPhase("fit", (Pass(self._counted_loss, tuple(self.parameters())),)),)

    def _counted_loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        terms = self.loss(x, generator)
        self.steps += 1
        return terms
