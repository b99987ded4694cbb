"""A restricted Boltzmann machine of two layers that a stack holds, and contrastive divergence.

Energy E(v, h) = V(v) - c'h - v'W h with sigmoid hidden units, so that the free energy of what is
seen is F(v) = V(v) - sum_j softplus(c + W'v)_j. V(v) = -b'v for units in [0, 1] and for counts
that share out a row's sum (softmax units), |v - b|^2 / 2 for real values of variance 1.

CD-k (Hinton 2002, "Training products of experts by minimizing contrastive divergence"): the
gradient of F(v_0) - F(v_k) with v_k held fixed, v_k being the row after k steps of Gibbs sampling.
Hidden units are sampled, visible ones take their probabilities (Hinton & Salakhutdinov 2006).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Rbm:
    """`up` gives W'v + c, (batch, n_hidden); `down` gives what W h + b stands for, the visible
    units' expectation, (batch, n_visible).
    """

    up: Callable[[Tensor], Tensor]
    down: Callable[[Tensor], Tensor]
    visible_bias: Tensor
    real_valued: bool

    def free_energy(self, v: Tensor) -> Tensor:
        """F of each row: (batch, n_visible) -> (batch,)."""
        if self.real_valued:
            visible = (v - self.visible_bias).square().sum(dim=1) / 2
        else:
            visible = -(v @ self.visible_bias)
        return visible - F.softplus(self.up(v)).sum(dim=1)

    def gibbs(self, v: Tensor, steps: int, generator: torch.Generator) -> Tensor:
        """The rows after some steps up and down again, without a gradient: (batch, n_visible)."""
        with torch.no_grad():
            for _ in range(steps):
                v = self.down(torch.bernoulli(torch.sigmoid(self.up(v)), generator=generator))
        return v

    def divergence(self, v: Tensor, steps: int, generator: torch.Generator) -> Tensor:
        """F(v_0) - F(v_k), the mean over the rows: its gradient is that of CD-k."""
        after = self.gibbs(v, steps, generator)
        return (self.free_energy(v) - self.free_energy(after)).mean()
