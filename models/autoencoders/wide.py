"""The product that takes most of an epoch: few features by many items. Not a layer of its own."""

from typing import Any

import torch
from torch import Tensor

TILE = (512, 256)
"""Rows and items of the product that is reckoned at once. One product of all items leaves the
caches: on AVX2 tiles of this size take a half to two thirds of its time."""


class _Tiled(torch.autograd.Function):
    """x weight' + bias by tiles; the products of its gradients are narrow and quick."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
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
        of_x, of_weight, of_bias = ctx.needs_input_grad
        return (
            grads[0] @ weight if of_x else None,
            grads[0].T @ x if of_weight else None,
            grads[0].sum(dim=0) if of_bias else None,
        )


def wide_linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x weight' + bias: (batch, features) by (n_items, features) -> (batch, n_items)."""
    product: Tensor = _Tiled.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return product
