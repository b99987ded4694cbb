"""AutoRec, and deeper ones: explicit ratings, of which only those observed count.

Sedhain et al. 2015, "AutoRec: autoencoders meet collaborative filtering": one hidden layer, a
sigmoid code, a linear output, and the loss sum over the observed (r - r_hat)^2; its L2 penalty is
the fit's weight decay. `user`: rows are users, over items. `item`: in training rows are items, over
users, which is better where items have more ratings than users. Its decoder knows training users
alone; so it is forgotten, and any user is answered by ridge regression of their ratings on the
codes of the items, which is what such a decoder row is: v = argmin sum_i (r_i - b_i - c_i v)^2 +
lambda |v|^2.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from models.autoencoders.base import Autoencoder, LossTerms, Network, Pass, TrainingPhase
from models.autoencoders.corruption import damaged
from models.autoencoders.layers import (
    check_activation,
    check_widths,
    dense_stack,
    initialise,
    sparse_stack,
)
from models.autoencoders.search import Judge, best_of
from models.errors import ConfigError, RowsError, choice_error
from models.precision import widened
from models.rows import Rows, SparseRows, entries, transposed, values_of, with_values

Form = Literal["user", "item"]
RIDGES = (2.0, 4.0, 7.0, 10.0, 14.0, 20.0, 40.0)
"""Candidates for lambda of the fold-in, in mean squared lengths of the items' codes."""
USUAL_RIDGE = 10.0
"""The one while it trains, and where nobody judges."""
SHRINKAGE = 5.0
"""Ratings at the mean that an item, and a user, starts with: few ratings say little."""


@dataclass(frozen=True)
class RatingConfig:
    """Hyperparameters of AutoRec."""

    form: Form = "item"
    hidden_dims: tuple[int, ...] = ()
    """Widths between input and code, outermost first; the decoder mirrors them (Kuchaiev & Ginsburg
    2017). None in AutoRec.
    """
    latent_dim: int = 500
    """Width of the code."""
    corruption_rate: float = 0.0
    """Share of a row's ratings hidden from the encoder in training; none in the paper."""
    activation: str = "sigmoid"

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise choice_error("form", self.form, get_args(Form))
        check_widths(self.hidden_dims, self.latent_dim)
        check_activation("activation", self.activation)
        if not 0 <= self.corruption_rate < 1:
            detail = f"corruption_rate is {self.corruption_rate}; it must be in [0, 1)."
            raise ConfigError("corruption_rate", detail)

    @property
    def widths(self) -> tuple[int, ...]:
        """Of all layers of the encoder."""
        return (*self.hidden_dims, self.latent_dim)


class AutoRec(Autoencoder):
    """n_columns -> widths -> widths reversed -> n_columns, over ratings less their mean."""

    takes_dense = False
    center: Tensor
    bounds: Tensor

    def __init__(self, config: RatingConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, "observed")
        self.config = config
        self.encoder = sparse_stack(n_items, config.widths, config.activation)
        self.decoder = dense_stack(config.widths[::-1], config.activation)
        self.output = nn.Linear(config.widths[0], n_items)
        self.register_buffer("center", torch.zeros(()))
        self.register_buffer("bounds", torch.tensor([-torch.inf, torch.inf]))
        initialise(self, generator)

    def prepare(self, x: SparseRows, *, memory_bytes: int | None = None) -> None:
        """Start at the mean of all ratings, and answer within the least and the greatest."""
        self.center.copy_(x.values.mean())
        self.bounds.copy_(torch.stack([x.values.min(), x.values.max()]))
        nn.init.constant_(self.output.bias, float(self.center))

    def read(self, x: Rows) -> Rows:
        """Ratings less the mean of all, so that a missing one, 0, is an average one."""
        return with_values(x, values_of(x) - self.center)

    def code_of(self, seen: Rows) -> Tensor:
        code: Tensor = self.encoder(seen)
        return code

    def hidden(self, code: Tensor) -> Tensor:
        hidden: Tensor = self.decoder(code)
        return hidden

    def reconstruct(self, x: Rows) -> Tensor:
        """The ratings expected, within the bounds of those seen in training."""
        return self.logits(x).clamp(self.bounds[0], self.bounds[1])

    def seen(self, x: Rows, generator: torch.Generator) -> Rows:
        """Some ratings are hidden, and what is left scaled up."""
        return damaged(x, self.read, "masking", self.config.corruption_rate, generator)


class ItemRating(Network):
    """Trained as an AutoRec over users; what is kept is what its output layer reads of the items.

    codes (n_items, width + 1): that of each item less the mean, and a constant for what a user's
    ratings have in common, so large that it costs SHRINKAGE and not lambda.
    """

    trains_on_items: ClassVar[bool] = True
    codes: Tensor
    item_means: Tensor
    bounds: Tensor
    ridge: Tensor

    def __init__(self, config: RatingConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, "observed")
        self.config = config
        self.over_users: AutoRec | None = None
        self._items: SparseRows | None = None
        self._mean = 0.0
        self._generator = generator
        self.register_buffer("codes", torch.zeros(n_items, config.widths[0] + 1))
        self.register_buffer("item_means", torch.zeros(n_items))
        self.register_buffer("bounds", torch.tensor([-torch.inf, torch.inf]))
        self.register_buffer("ridge", torch.tensor(1.0))

    def prepare(self, x: SparseRows, *, memory_bytes: int | None = None) -> None:
        """Make the network over these users, and the mean rating of each item."""
        self._items = transposed(x)
        self._mean = float(x.values.mean())
        self.over_users = AutoRec(self.config, n_items=len(x), generator=self._generator)
        self.bounds.copy_(torch.stack([x.values.min(), x.values.max()]))
        self.item_means.copy_(self._means(self._items))

    def check(self, x: Rows) -> None:
        """In training rows are items over users."""
        if self.training and self._items is not None:
            if not isinstance(x, SparseRows) or x.n_items != self._items.n_items:
                raise RowsError("In training the rows are items, over the users prepared for.")
        else:
            super().check(x)

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One: the network over users, under the loss of what items differ from their means."""
        if self.over_users is None:
            raise RowsError("The item form learns of its users from `prepare` first.")
        over_users = self.over_users

        def loss(items: Rows, generator: torch.Generator) -> LossTerms:
            return over_users.loss(self._residuals(items), generator)

        return (TrainingPhase("fit", (Pass(loss, tuple(over_users.parameters())),)),)

    def _means(self, items: Rows) -> Tensor:
        """Mean rating of each item, drawn to the mean of all where it has few, (n_items,)."""
        row_nums, _, values = entries(items)
        sums = values.new_zeros(len(items)).index_add_(0, row_nums, values - self._mean)
        return self._mean + sums / (torch.bincount(row_nums, minlength=len(items)) + SHRINKAGE)

    def _residuals(self, items: Rows) -> Rows:
        """Ratings less the mean of their item."""
        row_nums, _, values = entries(items)
        return with_values(items, values - self._means(items)[row_nums])

    def train(self, mode: bool = True) -> "ItemRating":
        """After an epoch the codes are those of the weights as they now are."""
        super().train(mode)
        if not mode and self.over_users is not None and self._items is not None:
            items = self._items.to(self.codes.device)
            with torch.no_grad():
                codes = self.over_users.hidden(self.over_users.encode(self._residuals(items)))
            self.codes[:, :-1] = codes - codes.mean(dim=0)
            self._set_ridge(USUAL_RIDGE)
        return self

    def solve(self, x: Rows, judge: Judge | None = None) -> None:
        """The ridge that is best by the judge; the users of the training are then forgotten."""

        best_of(RIDGES, self._set_ridge, judge, start=USUAL_RIDGE)
        self.over_users = self._items = None

    def _set_ridge(self, lengths: float) -> None:
        """Lambda as a multiple of the mean squared length of the codes."""
        mean_square = self.codes[:, :-1].square().sum(dim=1).mean()
        self.ridge.copy_((lengths * mean_square).clamp_min(1e-6))
        self.codes[:, -1] = (self.ridge / SHRINKAGE).sqrt()

    def logits(self, x: Rows) -> Tensor:
        """The ratings expected, not yet within the bounds: in the order of a ranking."""
        return self._regressed(x) @ self.codes.T + self.item_means

    def reconstruct(self, x: Rows) -> Tensor:
        return self.logits(x).clamp(self.bounds[0], self.bounds[1])

    def item_embeddings(self) -> Tensor:
        return self.codes

    def item_biases(self) -> Tensor:
        return self.item_means

    def user_embeddings(self, x: Rows, space: str) -> Tensor | None:
        """v of each row, (batch, width + 1); the bottleneck is the items'."""
        return self._regressed(x) if space == "decoder" else None

    def _regressed(self, x: Rows) -> Tensor:
        row_nums, item_nums, values = entries(x)
        lengths = torch.bincount(row_nums, minlength=len(x)).tolist()
        residuals = torch.split(values - self.item_means[item_nums], lengths)
        rows = zip(residuals, torch.split(item_nums, lengths), strict=True)
        return torch.stack([self._regress(residual, nums) for residual, nums in rows])

    def _regress(self, residuals: Tensor, item_nums: Tensor) -> Tensor:
        """C' (C C' + lambda I)^-1 y, the ridge regression in its dual form: (width + 1,)."""
        codes = self.codes[item_nums]  # (n, width + 1)
        kernel = codes @ codes.T
        kernel.diagonal().add_(self.ridge)
        v: Tensor = codes.T @ torch.linalg.solve(widened(kernel), residuals)
        return v


def rating(config: RatingConfig, *, n_items: int, generator: torch.Generator) -> Network:
    """The network of the form that the config asks for."""
    network = ItemRating if config.form == "item" else AutoRec
    return network(config, n_items=n_items, generator=generator)
