"""How far a reconstruction is from the data, one entry a loss. Not the penalties of a kind.

Every loss reads logits (batch, n_items) and the clean rows, sums over a row's items and
averages over the rows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from models.errors import choice_error
from models.precision import reckoned, widened
from models.products import filled, gradients, product, wide_linear
from models.rows import Rows, entries, row_sums

LossName = Literal["multinomial", "bernoulli", "focal", "squared", "gaussian", "cosine", "observed"]

FOCUS = 2.0
"""Gamma of the focal loss; 2 in the paper."""


@dataclass(frozen=True)
class Loss:
    """`of(logits, x)` is the scalar; `expected(logits, x)` the data that the logits stand for."""

    of: Callable[[Tensor, Rows], Tensor]
    expected: Callable[[Tensor, Rows], Tensor]
    of_sizes: bool = False
    """Whether it compares how large values are, so that a network must be told."""
    of_observed: bool = False
    """Whether entries that are not there say nothing, rather than zero."""
    of_wide: Callable[[Tensor, Tensor, Tensor, Rows], Tensor] | None = None
    """The same of hidden features, and weight and bias of the logits, where that takes less."""


class _Multinomial(torch.autograd.Function):
    """Negative log-likelihood of rows under softmax(logits). One array of the logits' size is kept,
    where autograd would keep three.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, values: Tensor, row_nums: Tensor, cols: Tensor) -> Tensor:
        chances = torch.softmax(logits, dim=1)
        loss = _descend_(chances, values, row_nums, cols)
        ctx.save_for_backward(chances)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        (grad,) = ctx.saved_tensors
        return grad * grads[0].to(grad.dtype), None, None, None


class _WideMultinomial(torch.autograd.Function):
    """The same of logits x weight' + bias, which become the gradient where they lie."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        values: Tensor,
        row_nums: Tensor,
        cols: Tensor,
    ) -> Tensor:
        ctx.dtype, ctx.n_items = weight.dtype, len(weight)
        weight, bias = filled(weight, x.dtype), filled(bias, x.dtype, -torch.inf)
        logits = product(x, weight, bias)
        chances = torch.softmax(logits, dim=1, out=logits)
        loss = _descend_(chances, values, row_nums, cols)
        ctx.save_for_backward(x, weight, chances)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, grad = ctx.saved_tensors
        of_x, of_weight, of_bias = gradients(grad, x, weight, ctx.dtype, ctx.needs_input_grad)
        return (
            None if of_x is None else of_x * grads[0].to(of_x.dtype),
            None if of_weight is None else of_weight[: ctx.n_items].mul_(grads[0]),
            None if of_bias is None else of_bias[: ctx.n_items].mul_(grads[0]),
            None,
            None,
            None,
        )


def _descend_(chances: Tensor, values: Tensor, row_nums: Tensor, cols: Tensor) -> Tensor:
    """The loss of rows, of which these are the chances. In their place is then the gradient of the
    loss by the logits, of row u ((sum of x_u) softmax(logits_u) - x_u) / batch.
    """
    flat, places = chances.view(-1), row_nums * chances.shape[1] + cols
    had = widened(flat[places])  # (nnz,)
    least = torch.finfo(had.dtype).tiny  # of a chance that underflows
    loss = -(values * had.clamp_min_(least).log_()).sum() / len(chances)
    shares = values / len(chances)
    sums = shares.new_zeros(len(chances)).index_add_(0, row_nums, shares)
    chances.mul_(sums.to(chances.dtype)[:, None])
    flat.index_add_(0, places, shares.to(chances.dtype), alpha=-1)
    return loss


def multinomial(logits: Tensor, x: Rows) -> Tensor:
    """-sum_i x_i log softmax(logits)_i: the items of a row compete (Liang et al. 2018, eq. 2)."""
    row_nums, item_nums, values = entries(x)
    loss: Tensor = _Multinomial.apply(logits, values, row_nums, item_nums)  # type: ignore[no-untyped-call]
    return loss


def wide_multinomial(hidden: Tensor, weight: Tensor, bias: Tensor, x: Rows) -> Tensor:
    """`multinomial` of the logits hidden weight' + bias, in less memory and time."""
    row_nums, item_nums, values = entries(x)
    loss: Tensor = _WideMultinomial.apply(  # type: ignore[no-untyped-call]
        reckoned(hidden), weight, bias, values, row_nums, item_nums
    )
    return loss


def bernoulli(logits: Tensor, x: Rows) -> Tensor:
    """-sum_i x_i log p_i + (1 - x_i) log(1 - p_i), where p_i = sigmoid(logit_i): each item is a
    coin of its own (Liang et al. 2018, eq. 4).
    """
    logits = widened(logits)
    dense = x.to_dense().to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, dense, reduction="sum") / len(x)


def focal(logits: Tensor, x: Rows) -> Tensor:
    """sum_i |x_i - p_i|^gamma times the cross-entropy of x_i and p_i = sigmoid(logit_i).

    What is known already counts little: of the many items nobody has, the few that are hard
    (Lin et al. 2017, "Focal loss for dense object detection", eq. 4, without its alpha).
    """
    logits = widened(logits)
    dense = x.to_dense().to(logits.dtype)
    entropy = F.binary_cross_entropy_with_logits(logits, dense, reduction="none")
    return ((dense - torch.sigmoid(logits)).abs().pow(FOCUS) * entropy).sum() / len(x)


def squared(logits: Tensor, x: Rows) -> Tensor:
    """sum_i (x_i - logit_i)^2 over all items, the unobserved ones too (Rumelhart et al. 1986; Steck
    2019, eq. 1).
    """
    logits = widened(logits)
    return (x.to_dense().to(logits.dtype) - logits).square().sum() / len(x)


def gaussian(logits: Tensor, x: Rows) -> Tensor:
    """-log of the density of x under a normal with mean logit and variance 1, item by item:
    sum_i (x_i - logit_i)^2 / 2 + log(2 pi) / 2 (Liang et al. 2018, eq. 3, all confidences 1).

    Half of `squared` and a constant: on the scale of a likelihood, as a KL term beside it asks.
    """
    n_features = logits.shape[1]
    return squared(logits, x) / 2 + n_features * math.log(2 * math.pi) / 2


def observed(logits: Tensor, x: Rows) -> Tensor:
    """sum over the observed items of (x_i - logit_i)^2 (Sedhain et al. 2015, eq. 1)."""
    row_nums, item_nums, values = entries(x)
    errors = values - widened(logits[row_nums, item_nums])
    return errors.square().sum() / len(x)


def cosine(logits: Tensor, x: Rows) -> Tensor:
    """2 - 2 cos(x, logits): the squared distance of the two, both scaled to length 1 (Vancura et
    al. 2022, eq. 5). An empty row counts 1, and pulls nothing.
    """
    logits = widened(logits)
    dense = F.normalize(x.to_dense().to(logits.dtype), dim=1)
    loss: Tensor = (F.normalize(logits, dim=1) - dense).square().sum() / len(x)
    return loss


def _expected_length(logits: Tensor, x: Rows) -> Tensor:
    """The logits at the length of the row: only their direction was trained."""
    length: Tensor = torch.linalg.vector_norm(x.to_dense().to(logits.dtype), dim=1)
    return F.normalize(logits, dim=1) * length[:, None]


def _expected_counts(logits: Tensor, x: Rows) -> Tensor:
    """A row's own sum, spread over the items by softmax: comparable with the row itself."""
    return torch.softmax(logits, dim=1) * row_sums(x).to(logits.dtype)[:, None]


LOSSES: dict[LossName, Loss] = {
    "multinomial": Loss(multinomial, _expected_counts, of_wide=wide_multinomial),
    "bernoulli": Loss(bernoulli, lambda logits, x: torch.sigmoid(logits)),
    "focal": Loss(focal, lambda logits, x: torch.sigmoid(logits)),
    "squared": Loss(squared, lambda logits, x: logits, of_sizes=True),
    "gaussian": Loss(gaussian, lambda logits, x: logits, of_sizes=True),
    "observed": Loss(observed, lambda logits, x: logits, of_sizes=True, of_observed=True),
    "cosine": Loss(cosine, _expected_length),
}


def wide_loss(name: LossName, hidden: Tensor, weight: Tensor, bias: Tensor, x: Rows) -> Tensor:
    """The loss of the logits hidden weight' + bias."""
    loss = LOSSES[name]
    if loss.of_wide is not None:
        return loss.of_wide(hidden, weight, bias, x)
    return loss.of(wide_linear(hidden, weight, bias), x)


def check_loss(field: str, name: str) -> None:
    """Raise ConfigError unless the name is among LOSSES."""
    if name not in LOSSES:
        raise choice_error(field, name, LOSSES)
