"""How far a reconstruction is from the data, one entry a loss. Not the penalties of a kind.

Every loss reads logits (batch, n_items) and the clean rows, sums over a row's items and
averages over the rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from models.errors import choice_error
from models.rows import SparseRows

LossName = Literal["multinomial", "bernoulli", "squared"]


@dataclass(frozen=True)
class Loss:
    """`of(logits, x)` is the scalar; `expected(logits, x)` the data that the logits stand for."""

    of: Callable[[Tensor, SparseRows], Tensor]
    expected: Callable[[Tensor, SparseRows], Tensor]


class _Multinomial(torch.autograd.Function):
    """Negative log-likelihood of rows under softmax(logits), with a backward of one pass.

    The gradient of row u is (sum of x_u) softmax(logits_u) - x_u, built in one buffer: autograd
    would keep three of that size.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, values: Tensor, row_nums: Tensor, cols: Tensor) -> Tensor:
        log_norm = torch.logsumexp(logits, dim=1)  # (batch,)
        surprise = log_norm[row_nums] - logits[row_nums, cols]  # (nnz,)
        ctx.save_for_backward(logits, log_norm, values, row_nums, cols)
        return (values * surprise).sum() / len(logits)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        logits, log_norm, values, row_nums, cols = ctx.saved_tensors
        sums = torch.zeros_like(log_norm).index_add_(0, row_nums, values)
        grad = torch.sub(logits, log_norm[:, None]).exp_().mul_(sums[:, None])
        grad[row_nums, cols] -= values
        return grad.mul_(grads[0] / len(logits)), None, None, None


def multinomial(logits: Tensor, x: SparseRows) -> Tensor:
    """-sum_i x_i log softmax(logits)_i: the items of a row compete (Liang et al. 2018, eq. 2)."""
    values = x.values.to(logits.dtype)
    loss: Tensor = _Multinomial.apply(logits, values, x.row_nums, x.indices)  # type: ignore[no-untyped-call]
    return loss


def bernoulli(logits: Tensor, x: SparseRows) -> Tensor:
    """Cross-entropy of each item as a coin of its own (Liang et al. 2018, eq. 4)."""
    dense = x.to_dense().to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, dense, reduction="sum") / len(x)


def squared(logits: Tensor, x: SparseRows) -> Tensor:
    """sum_i (x_i - logit_i)^2 over all items, the unobserved ones too."""
    return (x.to_dense().to(logits.dtype) - logits).square().sum() / len(x)


def _expected_counts(logits: Tensor, x: SparseRows) -> Tensor:
    """A row's own sum, spread over the items by softmax: comparable with the row itself."""
    return torch.softmax(logits, dim=1) * x.row_sums().to(logits.dtype)[:, None]


LOSSES: dict[LossName, Loss] = {
    "multinomial": Loss(multinomial, _expected_counts),
    "bernoulli": Loss(bernoulli, lambda logits, x: torch.sigmoid(logits)),
    "squared": Loss(squared, lambda logits, x: logits),
}


def check_loss(field: str, name: str) -> None:
    """Raise ConfigError unless the name is among LOSSES."""
    if name not in LOSSES:
        raise choice_error(field, name, LOSSES)
