"""A batch of rows of a sparse user-item matrix, as tensors. Not a matrix of the whole data."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class SparseRows:
    """Rows in compressed form: row r holds `indices[offsets[r]:offsets[r + 1]]`.

    offsets (batch + 1,) int64, indices (nnz,) int64, values (nnz,) float.
    Within a row every index stands once.
    """

    offsets: Tensor
    indices: Tensor
    values: Tensor
    n_items: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Tensor:
        """How many entries each row has, (batch,) int64."""
        return self.offsets.diff()

    @property
    def row_nums(self) -> Tensor:
        """The row of each entry, (nnz,) int64."""
        return torch.repeat_interleave(torch.arange(len(self)), self.lengths)

    def row_sums(self) -> Tensor:
        """Sum of each row's values, (batch,); an empty row sums to 0."""
        sums = torch.zeros(len(self), dtype=self.values.dtype)
        return sums.index_add_(0, self.row_nums, self.values)

    def with_values(self, values: Tensor) -> "SparseRows":
        """The same entries with other values, (nnz,)."""
        return replace(self, values=values)

    def unit_rows(self) -> "SparseRows":
        """Each row divided by its Euclidean length; an empty row stays empty."""
        squares = self.with_values(self.values.square()).row_sums()
        lengths = squares.sqrt().clamp_min(torch.finfo(self.values.dtype).tiny)
        return self.with_values(self.values / lengths[self.row_nums])

    def to_dense(self) -> Tensor:
        """The batch as (batch, n_items); for a batch, never for the whole data."""
        dense = torch.zeros(len(self), self.n_items, dtype=self.values.dtype)
        dense[self.row_nums, self.indices] = self.values
        return dense
