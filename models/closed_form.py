"""The best linear autoencoder without a diagonal, in closed form. Not a network.

argmin_B |X - X B|^2 + |R^(1/2) B|^2 with diag(B) = 0 is B_ij = -P_ij / P_jj for i != j, where
P = (X'X + R)^-1 and R is the diagonal of ridges (Steck 2019, "Embarrassingly shallow autoencoders
for sparse data", eq. 8). Where items outnumber users the inverse is taken of users x users:
P = R^-1 - R^-1 X' K^-1 X R^-1 with K = I + X R^-1 X' (the matrix inversion lemma).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from models.rows import SparseRows

Csr = sparse.csr_array[Any, Any]

DOUBLE_UP_TO = 6_000
"""Width of the matrix to invert up to which that is done in float64; beyond it the memory counts
more than the digits. A rule of the size alone, so that machines agree."""
BLOCK_BYTES = 64 << 20
"""Size of the column blocks in which products are built."""


def column_squares(x: SparseRows) -> Tensor:
    """The diagonal of X'X, (n_items,) float64: for ones, how many rows have each item."""
    squares = torch.zeros(x.n_items, dtype=torch.float64)
    return squares.index_add_(0, x.indices, x.values.double().square())


def needed_bytes(n_rows: int, n_items: int) -> int:
    """Memory that `zero_diagonal_weights` takes at its peak, without X itself."""
    answer = 4 * n_items**2
    width = min(n_rows, n_items)
    # The inverse works in a copy of its own beside the matrix; in float32 the matrix of the
    # primal form becomes the answer.
    inverse = 2 * (8 if width <= DOUBLE_UP_TO else 4) * width**2
    if width < n_items or width <= DOUBLE_UP_TO:
        inverse += answer
    return inverse + 3 * BLOCK_BYTES


def zero_diagonal_weights(x: SparseRows, ridge: Tensor) -> Tensor:
    """B, (n_items, n_items) float32, from all rows and the ridge of each item, (n_items,) float64.

    A row of B is what an item adds to the score of every item; its own place holds 0.
    """
    if x.n_items <= len(x):
        return primal(x, ridge)
    return dual(x, ridge)


def primal(x: SparseRows, ridge: Tensor) -> Tensor:
    """By the inverse of items x items."""
    csr = _csr(x)
    p = torch.empty(x.n_items, x.n_items, dtype=_dtype(x.n_items))
    for start, end in _blocks(x.n_items, x.n_items):
        p[:, start:end] = torch.from_numpy((csr.T @ csr[:, start:end]).toarray())
    p.diagonal().add_(ridge)
    p = _inverse(p)
    diagonal = p.diagonal().clone()  # (n_items,)
    b = p.div_(-diagonal).to(torch.float32)
    b.fill_diagonal_(0)
    return b


def dual(x: SparseRows, ridge: Tensor) -> Tensor:
    """By the inverse of rows x rows; B is then built block by block of its columns."""
    csr = _csr(x)
    z = csr.multiply(1 / ridge.numpy()).tocsr()  # X R^-1, (n_rows, n_items)
    k = torch.empty(len(x), len(x), dtype=_dtype(len(x)))
    for start, end in _blocks(len(x), len(x)):
        k[:, start:end] = torch.from_numpy((csr @ z[start:end].T).toarray())
    k.diagonal().add_(1)
    inverse = _inverse(k).numpy()
    b = torch.empty(x.n_items, x.n_items, dtype=torch.float32)
    transposed = z.T.tocsr().astype(inverse.dtype)
    for start, end in _blocks(x.n_items, x.n_items):
        block = transposed @ (inverse @ z[:, start:end])  # R^-1 X' K^-1 X R^-1, (n_items, block)
        own = np.arange(start, end)
        p_diagonal = 1 / ridge.numpy()[start:end] - block[own, own - start]
        block[own, own - start] = 0
        b[:, start:end] = torch.from_numpy(block / p_diagonal)
    return b


def _inverse(a: Tensor) -> Tensor:
    """Of a symmetric positive definite matrix, in its own memory."""
    torch.linalg.cholesky(a, out=a)
    return torch.cholesky_inverse(a, out=a)


def _dtype(width: int) -> torch.dtype:
    return torch.float64 if width <= DOUBLE_UP_TO else torch.float32


def _csr(x: SparseRows) -> Csr:
    """Float64: the sums of products must be exact for counts."""
    arrays = (x.values.double().numpy(), x.indices.numpy(), x.offsets.numpy())
    return sparse.csr_array(arrays, shape=(len(x), x.n_items))


def _blocks(n_columns: int, n_rows: int) -> Iterator[tuple[int, int]]:
    width = max(1, BLOCK_BYTES // (8 * max(n_rows, 1)))
    return ((start, min(start + width, n_columns)) for start in range(0, n_columns, width))
