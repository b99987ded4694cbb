"""What every network over user-item rows offers. Not how any of them works."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from models.autoencoders.layers import WideLinear
from models.autoencoders.losses import LOSSES, LossName, wide_loss
from models.autoencoders.search import Judge
from models.autoencoders.tied import TiedLinear
from models.errors import RowsError
from models.rows import Rows, SparseRows, n_columns, rests, unit_rows


@dataclass(frozen=True)
class LossTerms:
    """The parts of a loss, each a scalar averaged over the rows of the batch."""

    reconstruction: Tensor
    penalty: Tensor

    @property
    def total(self) -> Tensor:
        return self.reconstruction + self.penalty


@dataclass(frozen=True)
class Pass:
    """Training rows gone through `times` times, while some parameters move under one loss."""

    loss: Callable[[Rows, torch.Generator], LossTerms]
    parameters: tuple[nn.Parameter, ...]
    times: int = 1
    begin: Callable[[], None] | None = None
    """Called before the rows."""


@dataclass(frozen=True)
class TrainingPhase:
    """A stretch of training with a name: each of its epochs runs all of its passes in turn.

    `epochs` is how many there are; None, in the last phase only: as the run's fit config says,
    with early stopping.
    """

    name: str
    passes: tuple[Pass, ...]
    epochs: int | None = None
    end: Callable[[], None] | None = None
    """Called once, when the phase is left for the next."""


class Network(nn.Module, ABC):
    """From rows to one logit an item.

    It is fitted by `prepare`, then its phases, then `solve`: a kind trains, or is solved in closed
    form, or both.
    """

    takes_dense: ClassVar[bool] = False
    """Whether it also trains on dense rows of real values."""
    trains_on_items: ClassVar[bool] = False
    """Whether its batches in training are rows of items over users. Its answers are for users."""

    def __init__(self, n_items: int, loss: LossName) -> None:
        super().__init__()
        self.n_items = n_items
        self.loss_name = loss

    @abstractmethod
    def logits(self, x: Rows) -> Tensor:
        """One logit an item, (batch, n_items)."""

    def logits_left_out(self, x: SparseRows, entry_nums: Tensor) -> Tensor:
        """For each of the entries, numbered as in x, the logits of its row without it: (n_entries,
        n_items), the caller's own.
        """
        return self.logits(rests(x, entry_nums)).clone()

    def check(self, x: Rows) -> None:
        """Raise RowsError unless rows of this make and width can be its input."""
        if isinstance(x, Tensor) and not self.takes_dense:
            detail = f"A {type(self).__name__} takes sparse interactions only, not dense rows."
            raise RowsError(detail)
        if n_columns(x) != self.n_items:
            raise RowsError(f"The rows have {n_columns(x)} columns, the network {self.n_items}.")

    def phases(self) -> tuple[TrainingPhase, ...]:
        """How it trains, in order; none for a kind that is solved."""
        return ()

    def prepare(self, x: SparseRows, *, memory_bytes: int | None = None) -> None:
        """Look at all training rows, those of users, before the first phase.

        Raises ConfigError with the gigabytes needed where they are more than `memory_bytes`; None
        does not ask.
        """

    def solve(self, x: Rows, judge: Judge | None = None) -> None:
        """Work out what is had in closed form from all training rows, after the last phase.

        The judge chooses what the rows cannot; None: there are no users to judge by.
        """

    @property
    def chosen(self) -> dict[str, Any]:
        """The options that `solve` settled by its judge: a network with them needs none."""
        return {}

    def reconstruct(self, x: Rows) -> Tensor:
        """What each row should look like, on the scale of the data, (batch, n_items)."""
        return LOSSES[self.loss_name].expected(self.logits(x), x)

    def item_embeddings(self) -> Tensor | None:
        """A row an item in the decoder space, (n_items, embedding_dim); None: it has no such."""
        return None

    def item_biases(self) -> Tensor | None:
        """What each item's logit has beyond the dot product of embeddings, (n_items,); None: there
        are none.
        """
        return None

    def user_embeddings(self, x: Rows, space: str) -> Tensor | None:
        """The vector of each row: `code` is the bottleneck, `decoder` what item rows multiply.

        None: the kind has no such space.
        """
        return None


class Autoencoder(Network):
    """A network that is wide, narrow, wide: encode to a code, decode to logits.

    A kind says what `code_of` and `hidden` do; the output layer is the same for all, so that
    in the space before it the dot product with an item's row, plus its bias, is its logit.
    """

    takes_dense = True

    output: nn.Linear | TiedLinear

    @abstractmethod
    def code_of(self, seen: Rows) -> Tensor:
        """The code of rows as the first layer reads them, (batch, latent_dim)."""

    @abstractmethod
    def hidden(self, code: Tensor) -> Tensor:
        """What the output layer reads, (batch, embedding_dim)."""

    def read(self, x: Rows) -> Rows:
        """The rows as the first layer reads them: at length 1, so that a long history is no louder
        than a short one; as they are, where the loss compares sizes.
        """
        return x if LOSSES[self.loss_name].of_sizes else unit_rows(x)

    def seen(self, x: Rows, generator: torch.Generator) -> Rows:
        """What the first layer reads in training; kinds that damage rows say how."""
        return self.read(x)

    def encode(self, x: Rows) -> Tensor:
        """The code of each row, (batch, latent_dim)."""
        return self.code_of(self.read(x))

    def penalty(self, code: Tensor) -> Tensor:
        """What the loss adds to the reconstruction; zero unless a kind says otherwise."""
        return code.new_zeros(())

    def decode(self, code: Tensor) -> Tensor:
        """One logit an item, (batch, n_items)."""
        logits: Tensor = self.output(self.hidden(code))
        return logits

    def logits(self, x: Rows) -> Tensor:
        """Encode and decode, (batch, n_items)."""
        return self.decode(self.encode(x))

    def loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        """The training loss of a batch: rows rebuilt from what is seen of them, against them."""
        code = self.code_of(self.seen(x, generator))
        return LossTerms(self.reconstruction(code, x, generator), self.penalty(code))

    def reconstruction(self, code: Tensor, x: Rows, generator: torch.Generator) -> Tensor:
        """The loss of clean rows given their codes."""
        if isinstance(self.output, WideLinear):
            weight, bias = self.output.parameters()
            return wide_loss(self.loss_name, self.hidden(code), weight, bias, x)
        return LOSSES[self.loss_name].of(self.decode(code), x)

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One: all parameters under `loss`."""
        return (TrainingPhase("fit", (Pass(self.loss, tuple(self.parameters())),)),)

    def item_embeddings(self) -> Tensor:
        """The output layer's row of each item, (n_items, embedding_dim)."""
        return self.output.weight.detach()

    def item_biases(self) -> Tensor:
        """The output layer's bias of each item, (n_items,)."""
        return self.output.bias.detach()

    def user_embeddings(self, x: Rows, space: str) -> Tensor:
        """The code, or what the output layer reads."""
        code = self.encode(x)
        return code if space == "code" else self.hidden(code)
