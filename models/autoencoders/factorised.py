"""Weighted matrix factorisation as an autoencoder: the code of a row is itself a least squares.

Scores are h Y', where the rows of Y are the items' vectors and the code h of a row x minimises

    sum_i c_i (p_i - h y_i)^2 + lambda_x |h|^2,   p_i = [x_i > 0], c_i = 1 + confidence x_i

(Hu, Koren & Volinsky 2008, "Collaborative filtering for implicit feedback datasets", eq. 3 and 4),
so that a new user is folded in exactly. Y is found by turns: see `models/alternating.py`. As in
Rendle et al. 2022, "Revisiting the performance of iALS on item recommendation benchmarks", the
ridge grows with the length of the row or column: lambda_x = lambda (length / mean length)^exponent.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.alternating import Problem, blocks, relative_lengths
from models.autoencoders.base import Network
from models.autoencoders.search import Judge, Numbers, nearest, settle
from models.errors import ConfigError
from models.rows import Rows, SparseRows

START = {"regularisation": 30.0, "confidence": 4.0, "exponent": 0.5, "latent_dim": 64.0}
"""From where the climb begins; without a judge the candidates nearest to it are taken."""


@dataclass(frozen=True)
class FactorisedConfig:
    """Hyperparameters of weighted matrix factorisation.

    Where several numbers are given, validation users choose, climbing from one option to the next.
    """

    regularisation: tuple[float, ...] = (
        1.0, 2.0, 4.0, 8.0, 12.0, 18.0, 27.0, 40.0, 60.0, 90.0, 135.0, 200.0, 400.0, 1000.0,
    )  # fmt: skip
    """lambda."""
    confidence: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    """How much more an interaction counts than the lack of one, a unit of its value."""
    exponent: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    """lambda grows with the length of a row or column, to this power."""
    latent_dim: tuple[int, ...] = (32, 64, 128, 256)
    """The length of a code. What is more than half the items counts as half."""
    sweeps: int = 10
    """How often users and items take turns."""

    def __post_init__(self) -> None:
        for name in ("regularisation", "confidence", "latent_dim"):
            values = getattr(self, name)
            if not values or not min(values) > 0:
                detail = f"{name} needs at least one number, and all above 0."
                raise ConfigError(name, detail)
        if not self.exponent or min(self.exponent) < 0 or max(self.exponent) > 1:
            detail = "exponent needs at least one number, and all in [0, 1]."
            raise ConfigError("exponent", detail)
        if self.sweeps < 1:
            raise ConfigError("sweeps", f"sweeps is {self.sweeps}; it must be at least 1.")


class Factorised(Network):
    """In both spaces a user's vector is the code and an item's its row of Y, without a bias."""

    weight: Tensor
    gram: Tensor
    numbers: Tensor

    def __init__(self, config: FactorisedConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, "squared")
        self.config = config
        self._dims = sorted({min(dim, max(1, n_items // 2)) for dim in config.latent_dim})
        width = self._dims[-1]
        # One after another, so that the first are the same however many there are.
        columns = [torch.randn(n_items, generator=generator) for _ in range(width)]
        self.register_buffer("weight", torch.stack(columns, dim=1))  # Y; beyond the rank 0
        self.register_buffer("gram", torch.zeros(width, width))  # Y'Y
        # lambda, confidence, exponent, rank and the mean length of a row.
        self.register_buffer("numbers", torch.tensor([1.0, 1.0, 0.0, width, 1.0]).double())

    def logits(self, x: Rows) -> Tensor:
        return self.encode(x) @ self.item_embeddings().T

    def encode(self, x: Rows) -> Tensor:
        """The code of each row, (batch, rank); an empty row's is 0."""
        assert isinstance(x, SparseRows)
        regularisation, confidence, exponent, rank, mean = self.numbers.tolist()
        items = self.item_embeddings()
        gram = self.gram[: int(rank), : int(rank)]
        ridge = regularisation * relative_lengths(x, mean).pow(exponent).to(items.dtype)
        codes = items.new_zeros(len(x), int(rank))
        for block in blocks(x, int(rank), confidence, matrices=True):
            gathered = block.gather(items)
            weighed = gathered * block.extra[:, :, None]
            matrices = gram + gathered.transpose(1, 2) @ weighed
            matrices.diagonal(dim1=1, dim2=2).add_(ridge[block.row_nums, None])
            right = block.sums(block.wanted, gathered)[:, :, None]
            factors = torch.linalg.cholesky(matrices)
            codes[block.row_nums] = torch.cholesky_solve(right, factors)[:, :, 0]
        return codes

    def solve(self, x: Rows, judge: Judge | None = None) -> None:
        """Y for the numbers that are best by the judge."""
        assert isinstance(x, SparseRows)
        problem = Problem(x, self.weight.clone(), sweeps=self.config.sweeps)
        candidates: dict[str, tuple[float, ...]] = {
            "regularisation": self.config.regularisation,
            "confidence": self.config.confidence,
            "exponent": self.config.exponent,
            "latent_dim": tuple(float(dim) for dim in self._dims),
        }
        applied: Numbers = {}

        def apply(numbers: Numbers) -> None:
            applied.update(numbers)
            taken = [numbers[name] for name in ("regularisation", "confidence", "exponent")]
            items = problem.vectors(int(numbers["latent_dim"]), *taken)
            self._take(items, taken, problem.mean_length)

        # The rank last and by itself: the others depend little on it, and its cost grows.
        at_start = {**candidates, "latent_dim": (nearest(self._dims, START["latent_dim"]),)}
        first = settle(at_start, apply, judge, start=START)
        settled = {name: (number,) for name, number in first.items()}
        ranks = {**settled, "latent_dim": candidates["latent_dim"]}
        best = settle(ranks, apply, judge, start=first)
        if applied != best:
            apply(best)

    def _take(self, items: Tensor, taken: list[float], mean_length: float) -> None:
        rank, width = items.shape[1], len(self.gram)
        self.weight = torch.nn.functional.pad(items, (0, width - rank))
        self.gram = self.weight.T @ self.weight
        self.numbers = torch.tensor([*taken, rank, mean_length]).double()

    @property
    def chosen(self) -> dict[str, Any]:
        """The numbers of `solve`."""
        regularisation, confidence, exponent, rank, _ = self.numbers.tolist()
        return {
            "regularisation": [regularisation],
            "confidence": [confidence],
            "exponent": [exponent],
            "latent_dim": [int(rank)],
        }

    def item_embeddings(self) -> Tensor:
        """The rows of Y, (n_items, rank)."""
        return self.weight[:, : int(self.numbers[3])]

    def item_biases(self) -> Tensor:
        """None of them has one: zeros."""
        return torch.zeros(self.n_items)

    def user_embeddings(self, x: Rows, space: str) -> Tensor:
        """The code, in either space."""
        return self.encode(x)
