"""Products of rows, or of hidden features, with the weights of all items. Not layers.

They are most of what a network of interactions costs, so their gradients are written by hand.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from models.precision import reckoned
from models.rows import Rows, SparseRows, entries, transposed


def times(x: Rows, weight: Tensor) -> Tensor:
    """x @ weight: (batch, n_items) by (n_items, out_features) -> (batch, out_features).

    Of sparse rows it costs what their entries do: (batch, n_items) is never built. Their sum with
    a weight of float16 is in float32: one rounded to float16 is too coarse to rank by. Only the
    weight has a gradient.
    """
    if isinstance(x, Tensor):
        return x.to(weight.dtype) @ weight
    if weight.dtype == torch.float16:
        return _widened_times(x, weight)
    product: Tensor = _Sums.apply(weight, x)  # type: ignore[no-untyped-call]
    return product


class _Sums(torch.autograd.Function):
    """Weighted sums of the weight's rows. The gradient is the same of the transposed rows: no
    entry is sorted, and each row of the gradient is written once.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: SparseRows) -> Tensor:
        ctx.x, ctx.of = x, weight.dtype
        few = len(x.indices) < 4 * len(weight)  # to round all rows takes longer than to sum some
        return reckoned(_sums(x, weight if few else reckoned(weight)))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _sums(transposed(ctx.x), grads[0].contiguous()).to(ctx.of), None


def _sums(x: SparseRows, weight: Tensor) -> Tensor:
    return F.embedding_bag(
        x.indices,
        weight,
        x.offsets,
        mode="sum",
        per_sample_weights=x.values.to(weight.dtype),
        include_last_offset=True,
    )


def _widened_times(x: SparseRows, weight: Tensor) -> Tensor:
    """x @ weight, one row of the weight after another, so that none but that is ever copied."""
    sums = torch.zeros(len(x), weight.shape[1])
    for row_num, item_num, value in zip(*(part.tolist() for part in entries(x)), strict=True):
        sums[row_num].add_(weight[item_num], alpha=value)
    return sums


TILE = (512, 256)
"""Rows and items of the product that the processor reckons at once, but in bfloat16. One product of
all items leaves the caches: on AVX2 tiles of this size take a half to two thirds of its time."""

MANY_ROWS = 256
TRANSPOSED = 1_024
"""Items of which the gradient is transposed at once."""

LANES = 32
"""Numbers of bfloat16 in a line of the cache: products whose rows begin within one take longer."""


def filled(weight: Tensor, dtype: torch.dtype, value: float = 0.0) -> Tensor:
    """The weight, of a row an item, in these digits; in bfloat16 with rows of the value up to a
    whole number of LANES.
    """
    if dtype != torch.bfloat16:
        return weight.to(dtype)
    n_items = len(weight)
    more = weight.new_empty((n_items + -n_items % LANES, *weight.shape[1:]), dtype=dtype)
    more[:n_items] = weight
    more[n_items:] = value
    return more


def product(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x weight' + bias, of the same digits: what `wide_linear` gives, without a gradient."""
    if x.dtype == torch.bfloat16 or x.device.type != "cpu":
        return F.linear(x, weight, bias)
    made = x.new_empty(len(x), len(weight))
    n_rows, n_items = TILE
    for top in range(0, len(x), n_rows):
        rows = slice(top, top + n_rows)
        for left in range(0, len(weight), n_items):
            own = slice(left, left + n_items)
            torch.addmm(bias[own], x[rows], weight[own].T, out=made[rows, own])
    return made


class _Wide(torch.autograd.Function):
    """x weight' + bias, in the digits of x; the gradient of the weight in its own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.dtype, n_items = weight.dtype, len(weight)
        weight, bias = filled(weight, x.dtype), filled(bias, x.dtype)
        ctx.save_for_backward(x, weight[:n_items])
        return product(x, weight, bias)[:, :n_items]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        return gradients(grads[0], x, weight, ctx.dtype, ctx.needs_input_grad)


def gradients(
    grad: Tensor, x: Tensor, weight: Tensor, dtype: torch.dtype, wanted: Sequence[bool]
) -> tuple[Tensor | None, ...]:
    """Of x, the weight and the bias, as far as they are wanted, by the gradient of the product."""
    of_x, of_weight, of_bias = wanted[:3]
    return (
        grad @ weight if of_x else None,
        _weight_gradient(grad, x, dtype) if of_weight else None,
        grad.sum(dim=0).to(dtype) if of_bias else None,
    )


def _weight_gradient(grad: Tensor, x: Tensor, dtype: torch.dtype) -> Tensor:
    """grad' x. In bfloat16, of many rows, the processor is quicker to transpose the few features
    before and the product after, as long as that is in the caches, than to read the transpose of
    all items.
    """
    if grad.dtype == dtype or len(x) < MANY_ROWS or grad.device.type != "cpu":
        return (grad.T @ x).to(dtype)
    features = x.T.contiguous()
    made = torch.empty(grad.shape[1], x.shape[1], dtype=dtype)
    for left in range(0, len(made), TRANSPOSED):
        own = slice(left, left + TRANSPOSED)
        made[own] = (features @ grad[:, own]).T
    return made


def wide_linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x weight' + bias: (batch, features) by (n_items, features) -> (batch, n_items)."""
    made: Tensor = _Wide.apply(reckoned(x), weight, bias)  # type: ignore[no-untyped-call]
    return made
