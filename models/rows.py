"""A batch of rows: of a sparse user-item matrix, or of dense real-valued features.

What differs between the two is decided here and nowhere else. Not a matrix of the whole data.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

Csr = sparse.csr_array[Any, Any]
"""Sparse rows as SciPy has them."""


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

    @cached_property
    def row_nums(self) -> Tensor:
        """The row of each entry, (nnz,) int64."""
        nums = torch.arange(len(self), device=self.offsets.device)
        return torch.repeat_interleave(nums, self.lengths, output_size=len(self.indices))

    def to(self, device: torch.device) -> "SparseRows":
        """The rows on the device; itself where it is there."""
        if self.offsets.device == device:
            return self
        offsets, indices = self.offsets.to(device), self.indices.to(device)
        return SparseRows(offsets, indices, self.values.to(device), self.n_items)

    def to_dense(self) -> Tensor:
        """The batch as (batch, n_items), as `Tensor.to_dense`; never for the whole data."""
        dense = self.values.new_zeros(len(self), self.n_items)
        dense[self.row_nums, self.indices] = self.values
        return dense


def to_rows(x: Csr) -> SparseRows:
    """The rows of a CSR matrix as tensors that share no memory with it."""
    return SparseRows(
        torch.from_numpy(x.indptr.astype(np.int64)),
        torch.from_numpy(x.indices.astype(np.int64)),
        torch.from_numpy(x.data.astype(np.float32)),
        int(x.shape[1]),
    )


def to_csr(x: SparseRows, dtype: torch.dtype = torch.float64) -> Csr:
    """The rows as SciPy has them: in float64 the sums of products are exact for counts."""
    arrays = (x.values.to(dtype).numpy(), x.indices.numpy(), x.offsets.numpy())
    return sparse.csr_array(arrays, shape=(len(x), x.n_items))


Rows = SparseRows | Tensor
"""Sparse rows, or dense ones as (batch, n_items). `len`, `to` and `to_dense` work on both."""


class Entries(NamedTuple):
    """What is not zero in a batch, in the order of the rows; each (nnz,)."""

    row_nums: Tensor
    item_nums: Tensor
    values: Tensor


def n_columns(x: Rows) -> int:
    """How many items, or features, the rows are of."""
    return x.n_items if isinstance(x, SparseRows) else x.shape[1]


def entries(x: Rows) -> Entries:
    """The entries of the rows; of sparse ones those stored, also where they are zero."""
    if isinstance(x, SparseRows):
        return Entries(x.row_nums, x.indices, x.values)
    row_nums, item_nums = x.nonzero(as_tuple=True)
    return Entries(row_nums, item_nums, x[row_nums, item_nums])


def values_of(x: Rows) -> Tensor:
    """The numbers that the rows hold: (nnz,) of sparse ones, (batch, n_items) of dense ones."""
    return x.values if isinstance(x, SparseRows) else x


def with_values(x: Rows, values: Tensor) -> Rows:
    """The same rows with other numbers, of the shape of `values_of`."""
    return replace(x, values=values) if isinstance(x, SparseRows) else values


def unit_values(x: Tensor) -> Tensor:
    """Bytes, such as pixels, as float32 in [0, 1]; other numbers as they are."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x


def row_sums(x: Rows) -> Tensor:
    """Sum of each row, (batch,); an empty row sums to 0."""
    if isinstance(x, SparseRows):
        return torch.segment_reduce(x.values, "sum", offsets=x.offsets)
    return x.sum(dim=1)


def unit_rows(x: Rows) -> Rows:
    """Each row divided by its Euclidean length; an empty row stays empty."""
    values = values_of(x)
    lengths = row_sums(with_values(x, values.square())).sqrt()
    lengths = lengths.clamp_min(torch.finfo(values.dtype).tiny)
    if isinstance(x, SparseRows):
        return replace(x, values=values / lengths[x.row_nums])
    return values / lengths[:, None]


def transposed(x: SparseRows) -> SparseRows:
    """The columns as rows: (n_rows, n_items) -> (n_items, n_rows), entries in the order of rows."""
    if x.offsets.device.type != "cpu":
        return _sorted_by_column(x)
    columns = to_csr(x, x.values.dtype).tocsc()
    offsets, indices = (torch.from_numpy(each).long() for each in (columns.indptr, columns.indices))
    return SparseRows(offsets, indices, torch.from_numpy(columns.data), len(x))


def _sorted_by_column(x: SparseRows) -> SparseRows:
    """`transposed` on a device that SciPy does not know; on the processor it takes longer."""
    columns, order = x.indices.sort(stable=True)
    edges = torch.arange(x.n_items + 1, device=columns.device)
    offsets = torch.searchsorted(columns, edges)
    return SparseRows(offsets, x.row_nums[order], x.values[order], len(x))


def renumbered(x: SparseRows, place: Tensor, n_items: int) -> SparseRows:
    """The entries whose item has a place (n_items before,), under that number; -1: it has none."""
    numbers = place[x.indices]
    return replace(only(replace(x, indices=numbers), numbers >= 0), n_items=n_items)


def among(x: SparseRows, item_nums: Tensor) -> SparseRows:
    """The entries of the items given, numbered by their places among them."""
    return renumbered(x, places_of(item_nums, x.n_items), len(item_nums))


def places_of(item_nums: Tensor, n_items: int) -> Tensor:
    """The place of each item among those given, (n_items,); -1 of others."""
    place = item_nums.new_full((n_items,), -1)
    place[item_nums] = torch.arange(len(item_nums), device=item_nums.device)
    return place


def only(x: SparseRows, kept: Tensor) -> SparseRows:
    """The rows with some of their entries, kept (nnz,) bool."""
    entry_nums = kept.nonzero()[:, 0]
    before = torch.cat([x.offsets.new_zeros(1), kept.cumsum(0)])  # how many of the first are kept
    return SparseRows(before[x.offsets], x.indices[entry_nums], x.values[entry_nums], x.n_items)


def rows_of(x: SparseRows, entry_nums: Tensor) -> Tensor:
    """The row of each of some entries: few of many, for which `row_nums` of all is too much."""
    return torch.searchsorted(x.offsets, entry_nums, right=True) - 1


def rests(x: SparseRows, entry_nums: Tensor) -> SparseRows:
    """For each of the entries its row without it: (n_entries, n_items)."""
    row_nums = rows_of(x, entry_nums)
    positions = _positions(x, row_nums)
    kept = positions[positions != torch.repeat_interleave(entry_nums, x.lengths[row_nums])]
    offsets = torch.cat([x.offsets[:1], (x.lengths[row_nums] - 1).cumsum(0)])
    return SparseRows(offsets, x.indices[kept], x.values[kept], x.n_items)


def rows_at(x: SparseRows, row_nums: Tensor) -> SparseRows:
    """Some of the rows, in the order asked for."""
    kept = _positions(x, row_nums)
    offsets = torch.cat([x.offsets[:1], x.lengths[row_nums].cumsum(0)])
    return SparseRows(offsets, x.indices[kept], x.values[kept], x.n_items)


def _positions(x: SparseRows, row_nums: Tensor) -> Tensor:
    """Where the entries of these rows stand, one row after another."""
    lengths = x.lengths[row_nums]
    shifts = x.offsets[row_nums] - (lengths.cumsum(0) - lengths)
    shifts = torch.repeat_interleave(shifts, lengths)
    return torch.arange(len(shifts), device=shifts.device) + shifts
