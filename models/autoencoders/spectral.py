"""The linear autoencoder of least squares: principal components of rows evened out by degrees.

With N = W^1/2 X S, where row u counts w_u = d_u^-1/2 and S divides each column by its length,
scores are x G^-e V V' G^e: V holds the first eigenvectors of N'N, the directions in which tastes
differ most, and G how many rows have each item, relative to the mean. With an exponent e of 1/2 it
is the ideal low-pass filter of graph collaborative filtering (Shen et al. 2021, "How powerful is
graph convolution for recommendation?"); with 0, where few have most items, rare ones rank first.
Unlike `ease` it lets an item explain itself,
and it is solved without a matrix of items x items, so that it suits large catalogues, and blends.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.autoencoders.base import Network
from models.autoencoders.search import Judge, Numbers, settle
from models.closed_form import column_squares, relative
from models.errors import ConfigError
from models.products import times
from models.rows import Csr, Rows, SparseRows, to_csr

MAX_RANK = 256
RANKS = (4, 8, 16, 32, 64, 128, 256)
"""Tried where none is given, climbing from that of START; at most half of what rows and items give,
for with all of it V V' is the identity and a history alone ranks above what nobody has.
"""
START = {"latent_dim": 64.0, "item_exponent": 0.5}
"""From where the climb begins; without a judge the candidates nearest to it are taken."""
SPARE = 16
"""Eigenvectors sought beyond those wanted: the last ones converge last."""
ITERATIONS = 8
NOISE = 1e-6
"""Of the largest eigenvalue: what is below belongs to no direction in the rows."""


class Spectral(Network):
    """In both spaces a user's vector is x G^-e V and an item's its row of G^e V, without a bias."""

    weight: Tensor
    code_weight: Tensor

    def __init__(
        self,
        latent_dim: int | None,
        exponents: Sequence[float],
        *,
        n_items: int,
        generator: torch.Generator,
    ):
        super().__init__(n_items, "squared")
        most = min(MAX_RANK, n_items - 1)
        if latent_dim is not None and latent_dim > most:
            detail = (
                f"latent_dim is {latent_dim}; a spectral rank is below the number of items, "
                f"{n_items}, and at most {MAX_RANK}. Take at most {most}."
            )
            raise ConfigError("latent_dim", detail)
        self._wanted = latent_dim
        self._exponents = exponents
        self._chosen: dict[str, Any] = {}
        start = torch.randn(n_items, min(MAX_RANK, n_items), generator=generator)
        self.register_buffer("weight", start)  # G^e V; columns beyond the rank are 0
        self.register_buffer("code_weight", start.clone())  # G^-e V

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *args: Any) -> None:
        """Networks of before there was an exponent have V alone: with e = 0 both are that."""
        state.setdefault(f"{prefix}code_weight", state[f"{prefix}weight"])
        super()._load_from_state_dict(state, prefix, *args)

    def logits(self, x: Rows) -> Tensor:
        return times(x, self.code_weight) @ self.weight.T

    def solve(self, x: Rows, judge: Judge | None = None) -> None:
        """V, cut at the rank, and the exponent, that are best by the judge."""
        assert isinstance(x, SparseRows)
        vectors = _eigenvectors(_evened(x), self.weight)
        commonness = relative(column_squares(x))[:, None]

        def apply(numbers: Numbers) -> None:
            rank = int(numbers["latent_dim"])
            cut = torch.nn.functional.pad(vectors[:, :rank], (0, vectors.shape[1] - rank))
            scales = commonness.pow(numbers["item_exponent"]).float()
            self.weight, self.code_weight = cut * scales, cut / scales
            self._chosen = {"latent_dim": rank, "item_exponent": [numbers["item_exponent"]]}

        candidates = {"latent_dim": self._ranks(len(x)), "item_exponent": self._exponents}
        apply(settle(candidates, apply, judge, start=START))

    def _ranks(self, n_rows: int) -> list[float]:
        """Those to choose from."""
        if self._wanted is not None:
            return [self._wanted]
        half = max(1, min(n_rows, self.n_items) // 2)
        return sorted({min(rank, half) for rank in RANKS})

    @property
    def chosen(self) -> dict[str, Any]:
        """The numbers of `solve`; none before it."""
        return self._chosen

    def item_embeddings(self) -> Tensor:
        """The rows of G^e V."""
        return self.weight

    def item_biases(self) -> Tensor:
        """None of them has one: zeros."""
        return torch.zeros(self.n_items)

    def user_embeddings(self, x: Rows, space: str) -> Tensor:
        """x G^-e V, in either space."""
        return times(x, self.code_weight)


def _evened(x: SparseRows) -> Csr:
    """N, (n_rows, n_items) float32; rows and columns without entries stay empty."""
    squares = x.values.double().square()
    degrees = torch.zeros(len(x), dtype=torch.float64).index_add_(0, x.row_nums, squares)
    values = x.values.double() * degrees.clamp_min(1e-12).pow(-0.25)[x.row_nums]
    lengths = torch.zeros(x.n_items, dtype=torch.float64)
    lengths.index_add_(0, x.indices, values.square()).sqrt_()
    values = values / lengths.clamp_min(1e-12)[x.indices]
    return to_csr(replace(x, values=values), torch.float32)


def _eigenvectors(n: Csr, start: Tensor) -> Tensor:
    """The first eigenvectors of N'N, the largest first, as many as `start` has columns; 0 where
    there are fewer.

    By subspace iteration from `start` (Halko et al. 2011).
    """
    spare = start[:, :SPARE].flip(0)
    wide = torch.cat([start, spare], dim=1)[:, : n.shape[1]]
    back = n.T.tocsr()
    basis = torch.linalg.qr(wide)[0]
    for _ in range(ITERATIONS):
        basis = torch.linalg.qr(_product(back, _product(n, basis)))[0]
    image = _product(n, basis)  # (n_rows, columns)
    values, vectors = torch.linalg.eigh((image.T @ image).double())
    vectors[:, values <= NOISE * values[-1]] = 0
    found = basis @ vectors.flip(1).to(basis.dtype)
    first: Tensor = found[:, : start.shape[1]].contiguous()
    return first


def _product(matrix: Csr, dense: Tensor) -> Tensor:
    product: Tensor = torch.from_numpy(np.ascontiguousarray(matrix @ dense.numpy()))
    return product
