"""The squared Frobenius norm of an encoder's Jacobian, three ways. Not the penalty made of it.

The Jacobian of a code by the row that the encoder reads is J = K W', with W (n_items, width) the
weight of the first layer and K that of the code by `first`, what this layer gives before its
activation. So ||J||^2 = tr(K W'W K'), and nothing of size (batch, code, n_items) is ever built.
"""

from collections.abc import Callable

import torch
from torch import Tensor

CLOSED_FORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": lambda code: code * (1 - code),
    "tanh": lambda code: 1 - code.square(),
}
"""The derivative of an activation, from its value."""


def closed_form(code: Tensor, weight: Tensor, activation: str) -> Tensor:
    """Of one layer: sum_j (s'_j)^2 ||W_j||^2 (Rifai et al. 2011, eq. 5).

    code (batch, width), weight (n_items, width) -> (batch,)
    """
    slopes = CLOSED_FORMS[activation](code)
    return slopes.square() @ weight.square().sum(dim=0)


def exact(first: Tensor, code: Tensor, weight: Tensor) -> Tensor:
    """Of any encoder, by going back from each unit of the code: (batch,)."""
    batch, latent_dim = code.shape
    units = torch.eye(latent_dim, dtype=code.dtype, device=code.device)[:, None]
    units = units.expand(-1, batch, -1)
    return _squared_norms(first, code, weight, units).sum(dim=0)


def hutchinson(
    first: Tensor, code: Tensor, weight: Tensor, n_probes: int, generator: torch.Generator
) -> Tensor:
    """An unbiased estimate: the mean of ||v'J||^2 over random signs v (Hutchinson 1990), (batch,).

    Costs n_probes ways back, however wide the code.
    """
    shape = (n_probes, *code.shape)
    bits = torch.randint(0, 2, shape, generator=generator, device=code.device)
    signs = (2 * bits - 1).to(code.dtype)
    return _squared_norms(first, code, weight, signs).mean(dim=0)


def _squared_norms(first: Tensor, code: Tensor, weight: Tensor, directions: Tensor) -> Tensor:
    """||v'J||^2 of each direction and row: (n, batch, latent_dim) -> (n, batch)."""
    (back,) = torch.autograd.grad(
        code, first, directions, create_graph=True, is_grads_batched=True
    )  # (n, batch, width)
    return ((back @ (weight.T @ weight)) * back).sum(dim=2)
