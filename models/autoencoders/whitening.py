"""Codes made fit to be compared: as directions, evened out. Not the codes that are decoded."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.errors import ConfigError

SMALLEST = 1e-6
"""Share of the largest variance below which an axis is taken for noise and left small."""


class Whitening(nn.Module):
    """Turns codes to their principal axes, evens those out, and scales each code to length 1.

    Axis a is divided by its variance to the power of `share` / 2: 0 leaves the spread as it is, 1
    gives all axes the same. Until `learn` has seen codes they are only scaled to length 1.
    """

    mean: Tensor
    axes: Tensor

    def __init__(self, latent_dim: int, share: float) -> None:
        super().__init__()
        self.share = share
        self.register_buffer("mean", torch.zeros(latent_dim))
        self.register_buffer("axes", torch.eye(latent_dim))

    def learn(self, codes: Tensor) -> None:
        """Take mean and axes from these codes, (n, latent_dim)."""
        exact = codes.double()
        centred = exact - exact.mean(dim=0)
        variances, axes = torch.linalg.eigh(centred.T @ centred / len(codes))
        floor = SMALLEST * variances.max().clamp_min(torch.finfo(codes.dtype).tiny)
        self.mean.copy_(exact.mean(dim=0))
        self.axes.copy_(axes * variances.clamp_min(floor).pow(-self.share / 2))

    def forward(self, codes: Tensor) -> Tensor:
        """(batch, latent_dim) -> (batch, latent_dim) of length 1."""
        return F.normalize((codes - self.mean) @ self.axes, dim=1)


def check_share(name: str, share: float) -> None:
    """Raise ConfigError unless it is a share."""
    if not 0 <= share <= 1:
        raise ConfigError(name, f"{name} is {share}; it must be in [0, 1].")
