"""The best linear autoencoder without a diagonal, in closed form. Not a network.

argmin_B |X - X B|^2 + |R^(1/2) B|^2 with diag(B) = 0 is B_ij = -P_ij / P_jj for i != j, where
P = (X'X + R)^-1 and R is the diagonal of ridges (Steck 2019, "Embarrassingly shallow autoencoders
for sparse data", eq. 8). Where items outnumber users the inverse is taken of users x users:
P = R^-1 - R^-1 X' K^-1 X R^-1 with K = I + X R^-1 X' (the matrix inversion lemma).
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from models.rows import SparseRows, to_csr

DOUBLE_UP_TO = 6_000
"""Width of the matrix to invert up to which that is done in float64; beyond it the memory counts
more than the digits. A rule of the size alone, so that machines agree."""
SINGLE_UP_TO = 30_000
"""Items up to which B is kept in float32, beyond in float16: 2 n_items^2 bytes."""
BLOCK_BYTES = 64 << 20
"""Size of the column blocks in which products are built."""
SWEPT = 512
"""Columns swept at once by the inverse: a multiple of what the processor multiplies at once."""


def column_squares(x: SparseRows) -> Tensor:
    """The diagonal of X'X, (n_items,) float64: for ones, how many rows have each item."""
    squares = torch.zeros(x.n_items, dtype=torch.float64)
    return squares.index_add_(0, x.indices, x.values.double().square())


def relative(squares: Tensor) -> Tensor:
    """How common each item is beside the mean, from `column_squares`: (n_items,) float64, 1 for one
    that nobody has.
    """
    return torch.where(squares > 0, squares / squares.mean(), 1)


def answer_dtype(n_items: int) -> torch.dtype:
    """How B is kept."""
    return torch.float32 if n_items <= SINGLE_UP_TO else torch.float16


def needed_bytes(n_rows: int, n_items: int) -> int:
    """Memory that `zero_diagonal_weights` takes at its peak, without X itself."""
    width = min(n_rows, n_items)
    inverse = (8 if width <= DOUBLE_UP_TO else 4) * width**2
    in_place = width == n_items and _dtype(width) == answer_dtype(n_items)
    answer = 0 if in_place else answer_dtype(n_items).itemsize * n_items**2
    passing = 4 * BLOCK_BYTES + 3 * inverse * SWEPT // max(width, 1)
    return inverse + answer + passing


def zero_diagonal_weights(x: SparseRows, ridge: Tensor) -> Tensor:
    """B, (n_items, n_items), from all rows and the ridge of each item, (n_items,) float64.

    A row of B is what an item adds to the score of every item; its own place holds 0.
    """
    if x.n_items <= len(x):
        return weights_of_gram(gram(x), ridge)
    return dual(x, ridge)


def gram(x: SparseRows) -> Tensor:
    """X'X, (n_items, n_items)."""
    rows = to_csr(x)
    product = torch.empty(x.n_items, x.n_items, dtype=_dtype(x.n_items))
    for start, end in _blocks(x.n_items, x.n_items):
        product[:, start:end] = torch.from_numpy((rows.T @ rows[:, start:end]).toarray())
    return product


def weights_of_gram(gram: Tensor, ridge: Tensor) -> Tensor:
    """B by the inverse of items x items; the Gram matrix is used up."""
    gram.diagonal().add_(ridge)
    p = inverse_(gram)
    b = p.div_(-p.diagonal().clone()).to(answer_dtype(len(p)))
    b.fill_diagonal_(0)
    return b


def dual(x: SparseRows, ridge: Tensor) -> Tensor:
    """B by the inverse of rows x rows; it is then built block by block of its columns."""
    rows = to_csr(x)
    z = rows.multiply(1 / ridge.numpy()).tocsr()  # X R^-1, (n_rows, n_items)
    k = torch.empty(len(x), len(x), dtype=_dtype(len(x)))
    for start, end in _blocks(len(x), len(x)):
        k[:, start:end] = torch.from_numpy((rows @ z[start:end].T).toarray())
    k.diagonal().add_(1)
    inverse = inverse_(k).numpy()
    b = torch.empty(x.n_items, x.n_items, dtype=answer_dtype(x.n_items))
    transposed = z.T.tocsr().astype(inverse.dtype)
    for start, end in _blocks(x.n_items, x.n_items):
        columns = z[:, start:end].astype(inverse.dtype)
        inner = (columns.T @ inverse).T  # K^-1 X R^-1, (n_rows, block), no copy of the inverse
        block = transposed @ inner  # R^-1 X' K^-1 X R^-1, (n_items, block)
        own = np.arange(start, end)
        p_diagonal = 1 / ridge.numpy()[start:end] - block[own, own - start]
        block[own, own - start] = 0
        block /= p_diagonal
        b[:, start:end] = torch.from_numpy(block)
    return b


def inverse_(a: Tensor) -> Tensor:
    """The inverse of a symmetric positive definite matrix, in its own memory.

    By the sweep operator (Goodnight 1979, "A tutorial on the SWEEP operator"), a block of columns
    at a time: as many operations as a Cholesky inverse, n^3, nearly all of them products of
    matrices, and n x block numbers beside the matrix.
    """
    n = len(a)
    for start in range(0, n, SWEPT):
        end = min(start + SWEPT, n)
        own = slice(start, end)
        pivot = torch.cholesky_inverse(torch.linalg.cholesky(a[own, own]))
        columns = torch.cat([a[own, :start].T, torch.zeros_like(pivot), a[end:, own]])
        swept = columns @ pivot  # (n, block)
        for top in range(0, n, SWEPT):
            rows = slice(top, min(top + SWEPT, n))
            a[rows, : rows.stop].addmm_(swept[rows], columns[: rows.stop].T, alpha=-1)
        a[own, :start] = swept[:start].T
        a[end:, own] = swept[end:]
        a[own, own] = -pivot
    a.neg_()
    for start in range(0, n, SWEPT):  # only the lower triangle was swept
        end = min(start + SWEPT, n)
        a[:start, start:end] = a[start:end, :start].T
    return a


def _dtype(width: int) -> torch.dtype:
    return torch.float64 if width <= DOUBLE_UP_TO else torch.float32


def _blocks(n_columns: int, n_rows: int) -> Iterator[tuple[int, int]]:
    width = max(1, BLOCK_BYTES // (8 * max(n_rows, 1)))
    return ((start, min(start + width, n_columns)) for start in range(0, n_columns, width))
