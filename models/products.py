"""Products of rows, or of hidden features, with the weights of all items. Not layers.

They are most of what a network of interactions costs, so their gradients are written by hand.
"""

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
"""Rows and items of the product that is reckoned at once, but in bfloat16. One product of all items
leaves the caches: on AVX2 tiles of this size take a half to two thirds of its time."""

MANY_ROWS = 256
TRANSPOSED = 1_024
"""Items of which the gradient is transposed at once."""


class _Wide(torch.autograd.Function):
    """x weight' + bias, in the digits of x; the gradient of the weight in its own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.dtype = weight.dtype
        weight, bias = weight.to(x.dtype), bias.to(x.dtype)
        ctx.save_for_backward(x, weight)
        if x.dtype == torch.bfloat16:
            return F.linear(x, weight, bias)
        product = x.new_empty(len(x), len(weight))
        n_rows, n_items = TILE
        for top in range(0, len(x), n_rows):
            rows = slice(top, top + n_rows)
            for left in range(0, len(weight), n_items):
                own = slice(left, left + n_items)
                torch.addmm(bias[own], x[rows], weight[own].T, out=product[rows, own])
        return product

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = grads[0]
        of_x, of_weight, of_bias = ctx.needs_input_grad
        return (
            grad @ weight if of_x else None,
            _weight_gradient(grad, x, ctx.dtype) if of_weight else None,
            grad.sum(dim=0).to(ctx.dtype) if of_bias else None,
        )


def _weight_gradient(grad: Tensor, x: Tensor, dtype: torch.dtype) -> Tensor:
    """grad' x. In bfloat16, of many rows, it is quicker to transpose the few features before and
    the product after, as long as that is in the caches, than to read the transpose of all items.
    """
    if grad.dtype == dtype or len(x) < MANY_ROWS:
        return (grad.T @ x).to(dtype)
    features = x.T.contiguous()
    product = torch.empty(grad.shape[1], x.shape[1], dtype=dtype)
    for left in range(0, len(product), TRANSPOSED):
        own = slice(left, left + TRANSPOSED)
        product[own] = (features @ grad[:, own]).T
    return product


def wide_linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x weight' + bias: (batch, features) by (n_items, features) -> (batch, n_items)."""
    product: Tensor = _Wide.apply(reckoned(x), weight, bias)  # type: ignore[no-untyped-call]
    return product
