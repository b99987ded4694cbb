"""Small worlds with known answers, and small networks to solve them."""

import torch

from models.autoencoders.base import Autoencoder
from models.catalog import build
from models.fitting import FitConfig, Fitting
from models.rows import SparseRows

SMALL = {
    "undercomplete": {"latent_dim": 4, "loss": "bernoulli"},
    "denoising": {"hidden_dims": [24], "latent_dim": 8, "corruption_rate": 0.3},
}
"""Options of each kind in the catalog that suit a world of some ten items."""


def rows_of(table: torch.Tensor) -> SparseRows:
    """A dense table (batch, n_items) as sparse rows."""
    lengths = (table != 0).sum(dim=1)
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    row_nums, columns = table.nonzero(as_tuple=True)
    return SparseRows(offsets, columns, table[row_nums, columns], table.shape[1])


def small_network(kind: str, n_items: int, seed: int = 0) -> Autoencoder:
    """A fresh network of the kind; unfitted."""
    generator = torch.Generator().manual_seed(seed)
    return build(kind, SMALL[kind], n_items=n_items, generator=generator)


def fitted(kind: str, table: torch.Tensor, *, epochs: int, seed: int = 0) -> Autoencoder:
    """A small network fitted to all rows at once."""
    network = small_network(kind, table.shape[1], seed)
    config = FitConfig(epochs=epochs, learning_rate=0.02)
    fitting = Fitting(network, config, generator=torch.Generator().manual_seed(seed))
    for _ in range(epochs):
        fitting.run_epoch(lambda: [rows_of(table)])
    return network


def checkerboard(n: int = 20) -> torch.Tensor:
    """Even users have the even items, odd users the odd ones, and nobody the item of their own
    number: that one is the right answer (after benfred/implicit's tests).
    """
    numbers = torch.arange(n)
    table = (numbers[:, None] % 2 == numbers[None, :] % 2).float()
    return table - torch.eye(n)
