"""The deep autoencoder: several layers a side, the decoder the encoder's mirror.

Its options are those of DeepRecommender (Kuchaiev & Ginsburg 2017, "Training deep autoencoders
for collaborative filtering"): SELU, tied weights, strong dropout on the code, and dense
re-feeding. A network f that rebuilds well leaves its own output alone, f(f(x)) = f(x); so y = f(x),
which is dense, is taken for one more row, input and target both, and L(f(y), y) is added.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.autoencoders.base import Autoencoder, LossTerms
from models.autoencoders.corruption import hide
from models.autoencoders.layers import (
    WideLinear,
    check_activation,
    check_widths,
    dense_stack,
    first_of,
    initialise,
    sparse_stack,
)
from models.autoencoders.losses import LOSSES, LossName, check_loss
from models.autoencoders.tied import TiedLinear, tied_stack
from models.errors import ConfigError
from models.rows import Rows


@dataclass(frozen=True)
class DeepConfig:
    """Hyperparameters of a deep autoencoder."""

    hidden_dims: tuple[int, ...] = (512, 256, 128)
    """Widths between input and bottleneck, outermost first; the decoder mirrors them."""
    latent_dim: int = 64
    """Width of the bottleneck."""
    activation: str = "selu"
    tied: bool = False
    """Decode with the encoder's own matrices, transposed: half the weights."""
    dropout_rate: float = 0.5
    """Share of the code hidden from the decoder in training."""
    refeeding_weight: float = 0.0
    """What the loss of a reconstruction fed in again counts; 0 does without, 1 in the paper."""
    loss: LossName = "multinomial"

    def __post_init__(self) -> None:
        check_widths(self.hidden_dims, self.latent_dim)
        check_activation("activation", self.activation)
        check_loss("loss", self.loss)
        if not self.hidden_dims:
            detail = "hidden_dims is empty: a deep autoencoder has at least two layers a side."
            raise ConfigError("hidden_dims", detail)
        if not 0 <= self.dropout_rate < 1:
            detail = f"dropout_rate is {self.dropout_rate}; it must be in [0, 1)."
            raise ConfigError("dropout_rate", detail)
        if not self.refeeding_weight >= 0:
            raise ConfigError("refeeding_weight", "refeeding_weight must not be negative.")


class DeepAutoencoder(Autoencoder):
    """Symmetric: n_items -> hidden_dims -> latent_dim -> hidden_dims reversed -> n_items."""

    def __init__(self, config: DeepConfig, *, n_items: int, generator: torch.Generator):
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
        code: Tensor = self.encoder(seen)
        return code

    def hidden(self, code: Tensor) -> Tensor:
        hidden: Tensor = self.decoder(code)
        return hidden

    def loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        """The reconstruction of the rows and, as the penalty, that of the rows fed in again.

        The paper makes an update after each of the two; here they are one.
        """
        logits = self._logits_with_dropout(x, generator)
        loss = LOSSES[self.loss_name]
        reconstruction = loss.of(logits, x)
        if not self.config.refeeding_weight:
            return LossTerms(reconstruction, logits.new_zeros(()))
        y = loss.expected(logits, x).detach()  # (batch, n_items)
        again = loss.of(self._logits_with_dropout(y, generator), y)
        return LossTerms(reconstruction, self.config.refeeding_weight * again)

    def _logits_with_dropout(self, x: Rows, generator: torch.Generator) -> Tensor:
        """As `logits`, but units of the code are hidden, and what is left scaled up."""
        return self.decode(hide(self.encode(x), self.config.dropout_rate, generator))
