"""Layers that slide along time: against torch's own convolutions, and cells that are not there."""

import pytest
import torch
from torch.nn import functional as F

from models.detectors.layers import BACK, FILTER, N_MAPS, STRIDE, Sizes, Sliding
from models.detectors.networks import NetworksConfig, RowNetworks, fit_networks
from models.detectors.objectives import OBJECTIVES

N_MEMBERS, BATCH, N_COLUMNS, TOLD, LATENT, CODE = 2, 3, 2, 1, 6, 4


@pytest.mark.parametrize("length", [2, 7, 8])
def test_sliding_layers_are_the_convolutions_of_torch(length: int) -> None:
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    layers = Sliding(length, N_COLUMNS, torch.arange(length * N_COLUMNS))
    dims = layers.dims(Sizes(length * N_COLUMNS, TOLD, 5, LATENT, CODE))
    weights = [drawn(N_MEMBERS, *dim) for dim in dims]
    biases = [drawn(N_MEMBERS, 1, dim[1]) for dim in dims]
    x = drawn(N_MEMBERS, BATCH, length * N_COLUMNS + TOLD)
    codes = layers.encode(x, weights, biases)
    rebuilt = layers.decode(codes[..., :CODE], weights, biases)
    for num in range(N_MEMBERS):
        grid = x[num, :, :-TOLD].reshape(BATCH, length, N_COLUMNS).transpose(1, 2)
        told = x[num, :, -TOLD:, None].expand(-1, -1, length)
        signals = F.pad(torch.cat([grid, told], dim=1), (0, length % STRIDE))
        filters = weights[0][num].reshape(N_COLUMNS + TOLD, FILTER, N_MAPS).permute(2, 0, 1)
        maps = F.conv1d(signals, filters, biases[0][num, 0], STRIDE, FILTER // 2).relu()
        code = maps.transpose(1, 2).flatten(1) @ weights[1][num] + biases[1][num]
        assert torch.allclose(codes[num], code)
        maps = (code[:, :CODE] @ weights[2][num] + biases[2][num]).relu()
        maps = maps.reshape(BATCH, -1, N_MAPS).transpose(1, 2)
        filters = weights[3][num].reshape(N_MAPS, BACK, -1).permute(2, 0, 1)
        back = F.conv1d(maps, filters, biases[3][num, 0], 1, BACK // 2)
        grid = back.transpose(1, 2).reshape(BATCH, -1, N_COLUMNS)[:, :length]
        assert torch.allclose(rebuilt[num], grid.flatten(1))


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_a_stretch_out_of_order_is_found_among_usual_values(kind: str) -> None:
    waves = torch.sin(torch.arange(600, dtype=torch.float64) / 2).unfold(0, 16, 1)
    x = torch.cat(
        [waves[:, :9], waves[:, 10:]], dim=1
    )  # one position never varies, and is left out
    cells = torch.cat([torch.arange(9), torch.arange(10, 16)])
    config = NetworksConfig(kind=kind, n_members=2, width=32, steps=300, window=(16, 1))  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(0)
    networks = fit_networks(x, config, grain=0.1, generator=generator, cells=cells)
    turned = x[:50].clone()
    turned[:, 4:8] = turned[:, 4:8].flip(1)
    with torch.inference_mode():
        usual, errors = networks.errors(x), networks.errors(turned)
    assert errors.sum(dim=1).median() > 5 * usual.sum(dim=1).median()
    assert errors.shape == turned.shape


def test_windows_take_few_weights_and_no_row_has_cells_of_another() -> None:
    generator = torch.Generator().manual_seed(0)
    config = NetworksConfig(window=(100, 3))
    networks = RowNetworks(config, n_features=300, grain=1.0, generator=generator).double()
    x = torch.randn(4, 300, generator=generator, dtype=torch.float64)
    with torch.inference_mode():
        alone, together = networks.errors(x[:1]), networks.errors(x)
    assert torch.allclose(alone, together[:1], rtol=1e-12)
    first, last = networks.weights[0], networks.weights[3]
    assert first.numel() + last.numel() < 3 * 300 * N_MAPS
