"""Mult-VAE as one first writes it in PyTorch: dense rows, dense products, plain Adam.

What `benchmarks.training` compares with where RecBole would not fit. Not how Hourglass does it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BETA = 0.2
CORRUPTION_RATE = 0.5


class NaiveMultVae(nn.Module):
    """n_items -> 600 -> 200 -> 600 -> n_items."""

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.first, self.moments = nn.Linear(n_items, 600), nn.Linear(600, 400)
        self.third, self.last = nn.Linear(200, 600), nn.Linear(600, n_items)

    def loss(self, x: Tensor) -> Tensor:
        """Of dense rows (batch, n_items)."""
        seen = F.dropout(F.normalize(x, dim=1), CORRUPTION_RATE)
        mean, log_variance = self.moments(torch.tanh(self.first(seen))).chunk(2, dim=1)
        z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        logits = self.last(torch.tanh(self.third(z)))
        surprise = -(F.log_softmax(logits, dim=1) * x).sum(dim=1).mean()
        kl = (log_variance.exp() + mean.square() - 1 - log_variance).sum(dim=1).mean() / 2
        return surprise + BETA * kl
