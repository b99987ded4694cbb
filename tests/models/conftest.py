"""Small worlds with known answers, and small networks to solve them."""

from collections.abc import Callable

import torch
from torch import nn

from models.autoencoders.base import Autoencoder, Network
from models.catalog import build
from models.fitting import FitConfig, Fitting, fit_all
from models.rows import SparseRows

SMALL = {
    "undercomplete": {"latent_dim": 4, "loss": "bernoulli"},
    "sparse": {"hidden_dims": [16], "k": 4},
    "denoising": {"hidden_dims": [24], "latent_dim": 8, "corruption_rate": 0.3},
    "contractive": {"latent_dim": 12, "contraction_weight": 0.01},
    "stacked": {"hidden_dims": [24], "latent_dim": 8, "pretraining_epochs": 3},
    "deep": {"hidden_dims": [24, 16], "latent_dim": 8, "dropout_rate": 0.2},
    "variational": {
        "hidden_dims": [24],
        "latent_dim": 8,
        "beta": 0.01,
        "annealing_steps": 0,
        "corruption_rate": 0.3,
    },
    "variational/recvae": {
        "form": "recvae",
        "hidden_dims": [24, 24],
        "latent_dim": 8,
        "corruption_rate": 0.3,
    },
    "linear": {"regularisation": [1.0]},
    "linear/elsa": {"form": "elsa", "latent_dim": 4},
    "linear/spectral": {"form": "spectral", "latent_dim": 2},
    "factorised": {"latent_dim": [4], "regularisation": [1.0]},
    "joint": {
        "members": [
            {
                "kind": "variational",
                "network": {
                    "hidden_dims": [24],
                    "latent_dim": 8,
                    "corruption_rate": 0.3,
                    "annealing_steps": 0,
                },
            },
            {"kind": "linear", "network": {"regularisation": [1.0]}},
        ]
    },
    "rating": {"form": "user", "latent_dim": 8},
}
"""Options of each kind in the catalog, and of forms unlike it, that suit a world of ten items."""


def kind_of(case: str) -> str:
    """The kind of a key of SMALL."""
    return case.partition("/")[0]


def rows_of(table: torch.Tensor) -> SparseRows:
    """A dense table (batch, n_items) as sparse rows."""
    lengths = (table != 0).sum(dim=1)
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    row_nums, columns = table.nonzero(as_tuple=True)
    return SparseRows(offsets, columns, table[row_nums, columns], table.shape[1])


def small_network(kind: str, n_items: int, seed: int = 0, **options: object) -> Autoencoder:
    """A fresh network of the kind, with some options besides; unfitted."""
    generator = torch.Generator().manual_seed(seed)
    return build(kind_of(kind), {**SMALL[kind], **options}, n_items=n_items, generator=generator)


def unsettled(network: Network, seed: int = 0) -> Network:
    """The network with every parameter moved a little: biases that are all zero are a special
    point, where units tie.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return network


def fitted(
    kind: str, table: torch.Tensor, *, epochs: int, seed: int = 0, **options: object
) -> Autoencoder:
    """A small network fitted to all rows at once; `epochs` are those of the last phase."""
    network = small_network(kind, table.shape[1], seed, **options)
    config = FitConfig(epochs=epochs, learning_rate=0.02)
    generator = torch.Generator().manual_seed(seed)
    rows = rows_of(table)
    fit_all(network, config, lambda: [rows], generator=generator, rows=rows)
    return network


def nearly_equal(tensor: torch.Tensor, expected: torch.Tensor) -> bool:
    """But for rounding, and single numbers that a step of Adam moves by a sign of it."""
    error = (tensor - expected).double().norm()
    small = 1e-3 * expected.double().norm() + 1e-4
    return torch.equal(tensor, expected) or bool(error <= small)


def assert_alike_and_on_the_processor(ours: nn.Module, theirs: nn.Module) -> None:
    """The same weights but for rounding, nothing of ours left on a device."""
    expected = theirs.state_dict()
    assert list(ours.state_dict()) == list(expected)
    for name, tensor in ours.state_dict().items():
        assert type(tensor) is torch.Tensor, name
        assert tensor.device.type == "cpu", name
        assert nearly_equal(tensor, expected[name]), name


def assert_goes_on_to_the_same_weights(
    start: Callable[[], Fitting],
    x: SparseRows | torch.Tensor,
    *,
    epochs: int,
    same: Callable[[torch.Tensor, torch.Tensor], bool] = torch.equal,
) -> None:
    """A fit restored from its state after so many epochs ends the next as an undisturbed one."""
    undisturbed, resumed = start(), start()
    for _ in range(epochs):
        undisturbed.run_epoch(lambda: [x])
    state = undisturbed.state()
    undisturbed.run_epoch(lambda: [x])
    resumed.restore(state)
    resumed.run_epoch(lambda: [x])
    for name, tensor in undisturbed.network.state_dict().items():
        assert same(tensor, resumed.network.state_dict()[name]), name


def checkerboard(n: int = 20) -> torch.Tensor:
    """Even users have the even items, odd users the odd ones, and nobody the item of their own
    number: that one is the right answer (after benfred/implicit's tests).
    """
    numbers = torch.arange(n)
    table = (numbers[:, None] % 2 == numbers[None, :] % 2).float()
    return table - torch.eye(n)
