"""Weighted least squares by turns: rows for the items' vectors, items for the rows'. Not a network.

What is not observed costs one product Y'Y (Hu, Koren & Volinsky 2008, "Collaborative filtering for
implicit feedback datasets", eq. 5), never rows x items. Each turn goes a few steps of conjugate
gradients on from the last (Takacs, Pilaszy & Tikk 2011, "Applications of the conjugate gradient
method for implicit feedback collaborative filtering"). Rows are taken in blocks of about one
length, which bounds what is there beside the vectors.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.rows import SparseRows, transposed

STEPS = 2
"""Of conjugate gradients a turn."""
START_SIZE = 0.1
"""Length of an item's vector before the first turn, about."""
BLOCK_NUMBERS = 1 << 18
"""Of gathered vectors at once: 1 MB, which a processor's cache holds."""
MATRIX_NUMBERS = 1 << 22
"""Of matrices at once, where each row has one: 16 MB."""
FULL = 0.7
"""How long the shortest row of a block is at least, as a share of the longest."""


@dataclass(frozen=True)
class Block:
    """Rows of about the same length, padded to the longest, (n, length) each but row_nums (n,)."""

    row_nums: Tensor
    item_nums: Tensor
    extra: Tensor
    """c - 1; 0 where a row is padded."""
    wanted: Tensor
    """c p; 0 where a row is padded."""

    def gather(self, vectors: Tensor) -> Tensor:
        """The vector of each entry, (n, length, rank)."""
        gathered = vectors.index_select(0, self.item_nums.reshape(-1))
        return gathered.view(*self.item_nums.shape, vectors.shape[1])

    @staticmethod
    def sums(weights: Tensor, gathered: Tensor) -> Tensor:
        """Of the vectors of each row, weighed (n, length): (n, rank)."""
        # NumPy multiplies a stack of matrices by vectors many times faster than torch does.
        product = np.matmul(weights.numpy()[:, None, :], gathered.numpy())
        return torch.from_numpy(product)[:, 0]

    @staticmethod
    def scores(codes: Tensor, gathered: Tensor) -> Tensor:
        """Of each entry by the code of its row (n, rank): (n, length)."""
        product = np.matmul(gathered.numpy(), codes.numpy()[:, :, None])
        return torch.from_numpy(product)[:, :, 0]


def blocks(
    x: SparseRows, rank: int, confidence: float, *, matrices: bool = False
) -> Iterator[Block]:
    """All rows that are not empty, the longest first.

    matrices: for one of rank x rank a row, which are then bounded too.
    """
    order = torch.argsort(x.lengths, descending=True, stable=True)
    order = order[x.lengths[order] > 0]
    lengths = x.lengths[order]
    start = 0
    while start < len(order):
        longest = int(lengths[start])
        if matrices:
            most = max(1, MATRIX_NUMBERS // (max(longest, rank) * rank))
        else:
            most = max(1, BLOCK_NUMBERS // (longest * rank))
        near = int((lengths[start : start + most] >= FULL * longest).sum())
        row_nums = order[start : start + near]
        places = torch.arange(longest).expand(near, longest)
        there = places < x.lengths[row_nums, None]
        places = torch.where(there, x.offsets[row_nums, None] + places, 0)
        values = x.values[places].clamp_min(0) * there
        extra = confidence * values
        yield Block(row_nums, x.indices[places], extra, (1 + extra) * (values > 0))
        start += near


class Problem:
    """The least squares of some training rows, to be solved for several numbers.

    start: from where the items' vectors begin, (n_items, the most columns there can be).
    """

    def __init__(self, x: SparseRows, start: Tensor, *, sweeps: int) -> None:
        self._x = x
        self._columns = transposed(x)
        self._start = start * (self._columns.lengths > 0)[:, None]
        self._sweeps = sweeps
        self.mean_length = _mean_length(x)

    def vectors(
        self, rank: int, regularisation: float, confidence: float, exponent: float
    ) -> Tensor:
        """Y, (n_items, rank)."""
        items: Tensor = self._start[:, :rank] * (START_SIZE / rank**0.5)
        users = items.new_zeros(len(self._x), rank)
        ridges = [
            regularisation * relative_lengths(side, _mean_length(side)).pow(exponent)
            for side in (self._x, self._columns)
        ]
        for _ in range(self._sweeps):
            _turn(self._x, ridges[0], confidence, vectors=items, codes=users)
            _turn(self._columns, ridges[1], confidence, vectors=users, codes=items)
        return items


def relative_lengths(x: SparseRows, mean: float) -> Tensor:
    """How long each row is, as a share of the mean, (n_rows,) float32."""
    return (x.lengths.double() / mean).float()


def _mean_length(x: SparseRows) -> float:
    """Of the rows that are not empty."""
    lengths = x.lengths[x.lengths > 0].double()
    return float(lengths.mean()) if len(lengths) else 1.0


def _turn(
    x: SparseRows, ridge: Tensor, confidence: float, *, vectors: Tensor, codes: Tensor
) -> None:
    """Bring the codes of all rows nearer to what they should be; they are changed in place."""
    gram = vectors.T @ vectors
    for block in blocks(x, vectors.shape[1], confidence):
        gathered = block.gather(vectors)
        own = ridge[block.row_nums, None]

        def applied(
            v: Tensor, block: Block = block, g: Tensor = gathered, r: Tensor = own
        ) -> Tensor:
            return v @ gram + r * v + block.sums(block.scores(v, g) * block.extra, g)

        code = codes[block.row_nums]
        left = block.sums(block.wanted, gathered) - applied(code)
        direction, size = left.clone(), _squares(left)
        for _ in range(STEPS):
            image = applied(direction)
            step = size / (direction * image).sum(dim=1, keepdim=True).clamp_min(1e-20)
            code += step * direction
            left -= step * image
            before, size = size, _squares(left)
            direction = left + size / before.clamp_min(1e-20) * direction
        codes[block.row_nums] = code


def _squares(rows: Tensor) -> Tensor:
    squares: Tensor = rows.square().sum(dim=1, keepdim=True)
    return squares
