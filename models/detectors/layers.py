"""The layers of the small autoencoders: over features in no order, or along the time of a window.

Weights and biases are lists of tensors (n_members, n_in, n_out) and (n_members, 1, n_out), so that
every layer is one batched product for all members. Not what the networks learn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

N_MAPS, FILTER, STRIDE, BACK = 16, 5, 2, 3
"""Of a window: maps, positions under a filter, positions from one to the next, and places of the
maps under a filter that leads back, which gives STRIDE positions.
"""


@dataclass(frozen=True)
class Sizes:
    """n_told: inputs besides the features. width: of hidden layers that are flat. latent: numbers
    that encoders give; code: numbers that decoders read.
    """

    n_features: int
    n_told: int
    width: int
    latent: int
    code: int


class Layers(Protocol):
    """How rows become a code and back. x: (n_members, batch, n_features and what is told)."""

    def dims(self, sizes: Sizes) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of each layer."""
        ...

    def encode(self, x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        """(n_members, batch, latent)"""
        ...

    def decode(self, code: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        """(n_members, batch, code) -> (n_members, batch, n_features)."""
        ...


@dataclass(frozen=True)
class Flat:
    """Features in no order: n_features -> width -> code -> width -> n_features."""

    def dims(self, sizes: Sizes) -> tuple[tuple[int, int], ...]:
        n_features, width = sizes.n_features, sizes.width
        n_in = n_features + sizes.n_told
        return (n_in, width), (width, sizes.latent), (sizes.code, width), (width, n_features)

    def encode(self, x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        return _linear(torch.relu(_linear(x, weights[0], biases[0])), weights[1], biases[1])

    def decode(self, code: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        return _linear(torch.relu(_linear(code, weights[2], biases[2])), weights[3], biases[3])


@dataclass(frozen=True)
class Sliding:
    """Cells of windows, position by position the columns of the series: filters slide along time.

    (length, n_columns) -> N_MAPS maps at every STRIDE-th position -> code -> maps -> (length,
    n_columns). A convolution is here a product with what lies under its filter, so that all layers
    have weights of one form; torch's own, of groups, takes somewhat longer on the processor.

    cells (n_features,): the cell that each feature is; of those without a feature nothing is known.
    """

    length: int
    n_columns: int
    cells: Tensor

    @property
    def n_places(self) -> int:
        """Positions of the maps."""
        return -(-self.length // STRIDE)

    def dims(self, sizes: Sizes) -> tuple[tuple[int, int], ...]:
        flat = N_MAPS * self.n_places
        return (
            (FILTER * (self.n_columns + sizes.n_told), N_MAPS),
            (flat, sizes.latent),
            (sizes.code, flat),
            (BACK * N_MAPS, STRIDE * self.n_columns),
        )

    def encode(self, x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        n_members, batch = x.shape[:2]
        values, told = x[..., : len(self.cells)], x[..., None, len(self.cells) :]
        cells = x.new_zeros(n_members, batch, self.length * self.n_columns)
        grid = cells.index_copy(2, self.cells, values)
        grid = grid.reshape(n_members, batch, self.length, self.n_columns)
        grid = torch.cat([grid, told.expand(-1, -1, self.length, -1)], dim=3)
        grid = F.pad(grid, (0, 0, 0, self.n_places * STRIDE - self.length))
        maps = torch.relu(_slide(grid, weights[0], biases[0], FILTER, STRIDE))
        return _linear(maps.flatten(2), weights[1], biases[1])

    def decode(self, code: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        maps = torch.relu(_linear(code, weights[2], biases[2]))
        maps = maps.reshape(*code.shape[:2], self.n_places, N_MAPS)
        cells = _slide(maps, weights[3], biases[3], BACK, 1).flatten(2)
        return cells[..., self.cells]


def _linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.baddbmm(bias, x, weight)


def _slide(maps: Tensor, weight: Tensor, bias: Tensor, size: int, stride: int) -> Tensor:
    """(n_members, batch, length, n_in) -> (n_members, batch, length / stride, n_out), by a filter
    over `size` positions, an odd number, with zeros beyond both ends.
    """
    padded = F.pad(maps, (0, 0, size // 2, size // 2))
    under = padded.unfold(2, size, stride)  # (n_members, batch, length / stride, n_in, size)
    product = _linear(under.flatten(3).flatten(1, 2), weight, bias)
    return product.reshape(*under.shape[:3], product.shape[2])
