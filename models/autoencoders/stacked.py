"""The stacked autoencoder: trained a layer at a time, each on what the one below gives, then as a
whole.

`autoencoder`: each layer and its mirror in the decoder rebuild what the layer reads (Bengio et
al. 2007, "Greedy layer-wise training of deep networks"; with corruption, Vincent et al. 2010).
`rbm`: each layer is a restricted Boltzmann machine (`rbm.py`); at the end of its phase its weights,
transposed, become those of its mirror: a deep belief network, unrolled (Hinton & Salakhutdinov
2006, "Reducing the dimensionality of data with neural networks").
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.autoencoders.base import Autoencoder, LossTerms, Pass, TrainingPhase
from models.autoencoders.corruption import check_corruption, damaged, hide
from models.autoencoders.layers import (
    ACTIVATIONS,
    SparseLinear,
    WideLinear,
    check_activation,
    check_widths,
    dense_stack,
    initialise,
    sparse_stack,
)
from models.autoencoders.losses import LOSSES, LossName, check_loss
from models.autoencoders.rbm import Rbm
from models.errors import ConfigError, choice_error
from models.rows import Rows

Form = Literal["autoencoder", "rbm"]


@dataclass(frozen=True)
class StackedConfig:
    """Hyperparameters of a stacked autoencoder."""

    form: Form = "autoencoder"
    hidden_dims: tuple[int, ...] = (400, 200)
    """Widths between input and bottleneck, outermost first; the decoder mirrors them."""
    latent_dim: int = 100
    """Width of the bottleneck."""
    pretraining_epochs: int = 10
    """Epochs of each layer's own phase."""
    corruption_rate: float = 0.0
    """Share of what a layer reads that is hidden from it in training; rbm: in fine-tuning only."""
    cd_steps: int = 1
    """rbm: k of CD-k, the steps of Gibbs sampling."""
    activation: str = "sigmoid"
    loss: LossName = "multinomial"
    """Of the first layer and of the whole; rbm: it also says what the visible units are."""

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise choice_error("form", self.form, get_args(Form))
        check_widths(self.hidden_dims, self.latent_dim)
        check_activation("activation", self.activation)
        check_corruption("masking", self.corruption_rate)
        check_loss("loss", self.loss)
        for name in ("pretraining_epochs", "cd_steps"):
            if getattr(self, name) < 1:
                raise ConfigError(name, f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not self.hidden_dims:
            detail = "hidden_dims is empty: a stack has at least two layers a side."
            raise ConfigError("hidden_dims", detail)
        if self.form == "rbm" and self.activation != "sigmoid":
            detail = "The hidden units of an rbm are coins: its activation must be sigmoid."
            raise ConfigError("activation", detail)


class StackedAutoencoder(Autoencoder):
    """Symmetric: n_items -> hidden_dims -> latent_dim -> hidden_dims reversed -> n_items."""

    def __init__(self, config: StackedConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, config.loss)
        self.config = config
        dims = (*config.hidden_dims, config.latent_dim)
        self.n_layers = len(dims)
        self.encoder = sparse_stack(n_items, dims, config.activation)
        self.decoder = dense_stack(dims[::-1], config.activation)
        self.output = WideLinear(dims[0], n_items)
        initialise(self, generator)
        if config.form == "rbm":
            self._start_small(generator)

    def read(self, x: Rows) -> Rows:
        """As any kind, but that the visible units of an rbm are the data as they are."""
        return x if self.config.form == "rbm" else super().read(x)

    def code_of(self, seen: Rows) -> Tensor:
        code: Tensor = self.encoder(seen)
        return code

    def hidden(self, code: Tensor) -> Tensor:
        hidden: Tensor = self.decoder(code)
        return hidden

    def seen(self, x: Rows, generator: torch.Generator) -> Rows:
        """Entries of the rows are hidden, and what is left scaled up."""
        return damaged(x, self.read, "masking", self.config.corruption_rate, generator)

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One a layer, from the items inwards, and one for the whole."""
        phase = self._rbm_phase if self.config.form == "rbm" else self._autoencoder_phase
        fine_tuning = TrainingPhase("fine-tune", (Pass(self.loss, tuple(self.parameters())),))
        return (*(phase(num) for num in range(self.n_layers)), fine_tuning)

    def _autoencoder_phase(self, num: int) -> TrainingPhase:
        parameters = (*self._up(num).parameters(), *self._down(num).parameters())
        passes = (Pass(partial(self._layer_loss, num), parameters),)
        return TrainingPhase(f"pretrain-{num + 1}", passes, self.config.pretraining_epochs)

    def _rbm_phase(self, num: int) -> TrainingPhase:
        parameters = (*self._up(num).parameters(), self._down(num).bias)
        return TrainingPhase(
            f"pretrain-{num + 1}",
            (Pass(partial(self._rbm_loss, num), parameters),),
            self.config.pretraining_epochs,
            end=partial(self._unroll, num),
        )

    def _layer_loss(self, num: int, x: Rows, generator: torch.Generator) -> LossTerms:
        """How well a layer and its mirror rebuild what the layer reads."""
        up, down = self.encoder[2 * num : 2 * num + 2], self._down(num)
        if num == 0:
            logits = down(up(self.seen(x, generator)))
            reconstruction = LOSSES[self.loss_name].of(logits, x)
        else:
            below = self._below(num, x)
            logits = down(up(hide(below, self.config.corruption_rate, generator)))
            reconstruction = self._distance(logits, below)
        return LossTerms(reconstruction, reconstruction.new_zeros(()))

    def _distance(self, logits: Tensor, below: Tensor) -> Tensor:
        """From what a layer read to what its mirror makes of it: the cross-entropy for a sigmoid,
        else the squared error; summed over units, mean over rows.
        """
        if self.config.activation == "sigmoid":
            error = F.binary_cross_entropy_with_logits(logits, below, reduction="none")
        else:
            error = (below - ACTIVATIONS[self.config.activation]()(logits)).square()
        return error.sum() / len(below)

    def _rbm_loss(self, num: int, x: Rows, generator: torch.Generator) -> LossTerms:
        """The divergence of CD-k: it may be negative, and says little of how well it goes."""
        v = x.to_dense() if num == 0 else self._below(num, x)
        divergence = self.rbm(num, x).divergence(v, self.config.cd_steps, generator)
        return LossTerms(divergence, divergence.new_zeros(()))

    def rbm(self, num: int, x: Rows) -> Rbm:
        """The machine that a layer is; the first one's visible units are the items of x."""
        up, bias = self._up(num), self._down(num).bias
        weight = up.weight.T if num == 0 else up.weight  # (n_hidden, n_visible)

        def down(h: Tensor) -> Tensor:
            logits = h @ weight + bias
            return LOSSES[self.loss_name].expected(logits, x) if num == 0 else logits.sigmoid()

        real_valued = num == 0 and LOSSES[self.loss_name].of_sizes
        return Rbm(lambda v: F.linear(v, weight, up.bias), down, bias, real_valued)

    def _unroll(self, num: int) -> None:
        """Give a layer's mirror the layer's weights."""
        weight = self._up(num).weight
        with torch.no_grad():
            self._down(num).weight.copy_(weight if num == 0 else weight.T)

    def _below(self, num: int, x: Rows) -> Tensor:
        """What a layer above the first reads, (batch, width)."""
        with torch.no_grad():
            below: Tensor = self.encoder[: 2 * num](self.read(x))
        return below

    def _up(self, num: int) -> nn.Linear | SparseLinear:
        layer = self.encoder[2 * num]
        assert isinstance(layer, nn.Linear | SparseLinear)
        return layer

    def _down(self, num: int) -> nn.Linear:
        """A layer's mirror; that of the first is the output."""
        layer = self.output if num == 0 else self.decoder[2 * (self.n_layers - 1 - num)]
        assert isinstance(layer, nn.Linear)
        return layer

    def _start_small(self, generator: torch.Generator) -> None:
        """Weights from a normal of deviation 0.01 (Hinton 2010, "A practical guide to training
        restricted Boltzmann machines", sec. 8).
        """
        for num in range(self.n_layers):
            nn.init.normal_(self._up(num).weight, std=0.01, generator=generator)
            self._unroll(num)
