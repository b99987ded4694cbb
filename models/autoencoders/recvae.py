"""RecVAE: a variational autoencoder held near what it was a moment ago.

Shenbin et al. 2020, "RecVAE: a new variational autoencoder for top-N recommendations with
implicit feedback". Three changes to `variational.py`'s mult-vae: the prior is a mixture with the
posterior of the previous encoder (sec. 3.3); the KL term of a user weighs gamma |x_u|, more for a
long history (3.4); encoder and decoder are trained in turns, the decoder on whole rows (3.5).
"""

import math
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.autoencoders.base import LossTerms, Pass, TrainingPhase
from models.autoencoders.layers import SparseLinear, WideLinear, initialise
from models.autoencoders.variational import (
    MultVae,
    Normal,
    Variational,
    VariationalConfig,
    normal_of,
)
from models.rows import Rows, SparseRows

MIXTURE = (3 / 20, 3 / 4, 1 / 10)
"""Weights in the prior of a standard normal, the previous posterior and a wide normal."""
WIDE = 10.0
"""Log variance of the wide normal."""
LAYER_NORM_EPS = 0.1
ENCODER_PASSES = 3
"""Passes that train the encoder, for one that trains the decoder."""


class ResidualEncoder(nn.Module):
    """Dense layers, each of which also adds the outputs of all before; swish, then LayerNorm."""

    def __init__(self, n_items: int, config: VariationalConfig):
        super().__init__()
        width = config.widths[0]
        self.first = SparseLinear(n_items, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in config.widths[1:])
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=LAYER_NORM_EPS) for _ in config.widths)
        self.moments = nn.Linear(width, 2 * config.latent_dim)

    def forward(self, seen: Rows) -> Normal:
        output = self.norms[0](F.silu(self.first(seen)))  # (batch, width)
        before = output
        for layer, norm in zip(self.layers, list(self.norms)[1:], strict=True):
            output = norm(F.silu(layer(output) + before))
            before = before + output
        return normal_of(self.moments(output))


class RecVae(Variational):
    """n_items -> residual encoder -> mean and log variance -> n_items by one linear layer."""

    def __init__(self, config: VariationalConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(config, n_items=n_items)
        self.encoder = ResidualEncoder(n_items, config)
        self.output = WideLinear(config.latent_dim, n_items)
        initialise(self, generator)
        # Saved with the weights, though it serves training alone: a fit that goes on needs it.
        self.previous = deepcopy(self.encoder).requires_grad_(False)

    def posterior(self, seen: Rows) -> Normal:
        normal: Normal = self.encoder(seen)
        return normal

    def hidden(self, code: Tensor) -> Tensor:
        return code

    def weighted_kl(self, x: Rows, posterior: Normal, z: Tensor) -> Tensor:
        """gamma |x_u| (log q(z | x) - log prior(z)) at the sample: a mixture has no closed form."""
        kl = log_density(z, posterior).sum(dim=1) - self.log_prior(x, z).sum(dim=1)
        n_items = x.lengths if isinstance(x, SparseRows) else (x != 0).sum(dim=1)
        return self.config.gamma * n_items.to(kl.dtype) * kl

    def log_prior(self, x: Rows, z: Tensor) -> Tensor:
        """Log density of the composite prior, (batch, latent_dim); it sees the whole row."""
        with torch.no_grad():
            previous = self.previous(self.read(x))
        square, rest = z.square(), math.log(2 * math.pi)
        logs = (
            square / -2 - rest / 2,
            log_density(z, previous),
            square / (-2 * math.exp(WIDE)) - (rest + WIDE) / 2,
        )
        weighted = [log + math.log(share) for log, share in zip(logs, MIXTURE, strict=True)]
        return torch.logaddexp(torch.logaddexp(weighted[0], weighted[1]), weighted[2])

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One, whose epochs are three passes for the encoder and then one for the decoder."""
        encoder = Pass(self.loss, tuple(self.encoder.parameters()), times=ENCODER_PASSES)
        decoder = Pass(
            self._decoder_loss, tuple(self.output.parameters()), begin=self._remember_encoder
        )
        return (TrainingPhase("fit", (encoder, decoder)),)

    def _decoder_loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        """The reconstruction of whole rows; the KL term does not depend on the decoder."""
        with torch.no_grad():
            z = self.posterior(self.read(x)).sample(generator)
        reconstruction = self.reconstruction(z, x, generator)
        return LossTerms(reconstruction, reconstruction.new_zeros(()))

    def _remember_encoder(self) -> None:
        self.previous.load_state_dict(self.encoder.state_dict())


def log_density(z: Tensor, normal: Normal) -> Tensor:
    """Of a normal at z, coordinate by coordinate: (batch, latent_dim)."""
    mean, log_variance = normal
    square = (z - mean).square() * (-log_variance).exp()
    return -(math.log(2 * math.pi) + log_variance + square) / 2


def variational(
    config: VariationalConfig, *, n_items: int, generator: torch.Generator
) -> Variational:
    """The network of the form that the config asks for."""
    network = RecVae if config.form == "recvae" else MultVae
    return network(config, n_items=n_items, generator=generator)
