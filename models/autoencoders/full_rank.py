"""What is solved for a linear autoencoder of full rank: who counts how much, and each ridge.

Row u of the least squares counts w_u = (d_u / mean d)^-user_exponent, where d_u is the squared
length of the row: of ones, how many there are. With g_i the i-th diagonal element of the Gram
matrix X'WX so weighted, the ridge of item i is

    lambda (g_i / mean g)^item_exponent + p / (1 - p) g_i.

Its first part is EASE's ridge for the exponent 0; another exponent is the same as dividing rows
and columns of X by powers of their degrees before a flat ridge, and multiplying back (Park et al.
2025, "Why is normalization necessary for linear recommenders?"). Its second part is EDLAE's.
The scores of item i, column i of B, are at last divided by (g_i / mean g)^popularity_exponent, of
unweighted rows.
Not the closed form itself: that is `models/closed_form.py`.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from models import closed_form
from models.rows import SparseRows, among


class Problem:
    """The least squares of some training rows, to be solved at several strengths.

    odds: p / (1 - p), p the share of entries taken to be hidden.
    """

    def __init__(self, x: SparseRows, *, odds: float) -> None:
        self._x = x
        self._odds = odds
        self._items: Tensor | None = None
        self._gram = lru_cache(maxsize=1)(self._new_gram)

    def among(self, item_nums: Tensor) -> "Problem":
        """The same problem as if there were these items alone; degrees stay as they are."""
        part = Problem(self._x, odds=self._odds)
        part._items = item_nums
        return part

    def mean_square(self) -> float:
        """Mean of the Gram matrix's diagonal: what lambda is to be compared with."""
        return max(float(closed_form.column_squares(self._x).mean()), 1e-9)

    def most_common(self, n: int) -> Tensor:
        """Numbers, in order, of the n items with the largest diagonal elements."""
        squares = closed_form.column_squares(self._x)
        return torch.topk(squares, n, sorted=False).indices.sort().values

    def shrinkage(self, exponent: float) -> Tensor:
        """What popularity makes of the score of each item: a factor, (n_items,) float64."""
        factors = closed_form.relative(closed_form.column_squares(self._x)).pow(-exponent)
        return factors if self._items is None else factors[self._items]

    def shrink_(self, b: Tensor, exponent: float) -> None:
        """Let common items score less, by the columns of B."""
        if exponent:
            b.mul_(self.shrinkage(exponent).to(b.dtype))

    def weights(self, numbers: Mapping[str, float]) -> Tensor:
        """B for `regularisation` and the exponents of users and items, not yet shrunk."""
        rows = self._weighted(numbers["user_exponent"])
        ridge = self._ridge(rows, numbers)
        if self._items is None:
            return closed_form.zero_diagonal_weights(rows, ridge)
        ridge = ridge[self._items]
        if len(self._items) > len(rows):
            return closed_form.dual(self._restricted(rows), ridge)
        gram = self._gram(numbers["user_exponent"]).clone()
        return closed_form.weights_of_gram(gram, ridge)

    def _new_gram(self, user_exponent: float) -> Tensor:
        return closed_form.gram(self._restricted(self._weighted(user_exponent)))

    def _restricted(self, rows: SparseRows) -> SparseRows:
        assert self._items is not None
        return among(rows, self._items)

    def _weighted(self, user_exponent: float) -> SparseRows:
        """W^1/2 X."""
        if user_exponent == 0:
            return self._x
        squares = self._x.values.double().square()
        degrees = torch.zeros(len(self._x), dtype=torch.float64)
        degrees.index_add_(0, self._x.row_nums, squares)
        mean = degrees[degrees > 0].mean()
        halves = (degrees / mean).pow(-user_exponent / 2)  # of rows without entries never used
        return replace(self._x, values=self._x.values * halves[self._x.row_nums])

    def _ridge(self, rows: SparseRows, numbers: Mapping[str, float]) -> Tensor:
        squares = closed_form.column_squares(rows)
        # An item that nobody has gets no weight at any ridge above zero.
        relative = closed_form.relative(squares).pow(numbers["item_exponent"])
        return numbers["regularisation"] * relative + self._odds * squares
