"""Linear autoencoders of items: a row is rebuilt as x B, where no item may explain itself.

`ease`, `edlae`: B is any matrix with a zero diagonal, solved in closed form (`closed_form.py`).
EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data") minimises
|X - X B|^2 + lambda |B|^2. EDLAE (Steck 2020, "Autoencoders that don't overfit towards the
identity", eq. 7) expects every entry hidden with probability p, which the ridge of item i does
exactly: lambda + p / (1 - p) (X'X)_ii. Exponents let users and items of many interactions count
less (`full_rank.py`).
`elsa`: B = A A' - I of low rank, where the rows of A have length 1, so that the diagonal is zero
by itself (Vancura et al. 2022, "Scalable linear shallow autoencoder for collaborative filtering").
It is trained, and its size grows with the items, not with their square. As in EDLAE entries are
hidden from it in training; the paper's has none hidden, and soon knows its rows by heart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import closed_form
from models.autoencoders.base import LossTerms, Network, Pass, TrainingPhase
from models.autoencoders.corruption import masking
from models.autoencoders.full_rank import Problem
from models.autoencoders.losses import LOSSES
from models.autoencoders.search import Judge, Numbers, best_of, settle
from models.autoencoders.spectral import Spectral
from models.errors import ConfigError, choice_error
from models.products import times
from models.rows import Rows, SparseRows, entries, places_of, renumbered, rows_at, rows_of

Form = Literal["ease", "edlae", "elsa", "spectral"]
START = {"user_exponent": 0.5, "item_exponent": 0.5, "popularity_exponent": 0.1}
"""From where the climb to the best exponents begins."""
SEARCHED = 5_000
"""Items among which the numbers of a full rank are chosen."""
GIGABYTE = 1e9
START_DEVIATION = 0.02
"""Of the weights of elsa. Only their direction counts, so the first steps are the larger the
smaller they are; 1 did worse on validation (ML-1M: NDCG@100 .402 against .406).
"""


@dataclass(frozen=True)
class LinearConfig:
    """Hyperparameters of a linear autoencoder."""

    form: Form = "edlae"
    regularisation: tuple[float, ...] = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
    """ease, edlae: lambda. Of several, the one that ranks validation users best, found by
    climbing from that nearest to the mean number of rows with an item; where nobody judges, that
    one itself. So with the exponents, from those nearest to a half, of popularity to a tenth.
    """
    user_exponent: tuple[float, ...] = (0.0,)
    """ease, edlae: a row counts as its number of items to the power of minus this."""
    item_exponent: tuple[float, ...] = (0.0,)
    """ease, edlae: lambda grows with the number of rows that have the item, to this power.
    spectral: so does the item's score, and what it adds to others' shrinks. Of several, that from
    which a climb beginning at a half finds none better.
    """
    popularity_exponent: tuple[float, ...] = (0.0,)
    """ease, edlae: an item's score shrinks with the number of rows that have it, to this power."""
    corruption_rate: float = 0.5
    """edlae: p, the share of entries taken to be hidden; elsa: that are hidden in training."""
    latent_dim: int | None = None
    """elsa: the rank, columns of A. None: half the number of items, at most 512. spectral: the
    rank. None: of 4 to 256, at most half the users or items, the one that ranks validation
    users best.
    """

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise choice_error("form", self.form, get_args(Form))
        if not self.regularisation or not min(self.regularisation) > 0:
            detail = "regularisation needs at least one number, and all above 0."
            raise ConfigError("regularisation", detail)
        for name in START:
            values = getattr(self, name)
            if not values or min(values) < 0 or max(values) > 1:
                raise ConfigError(name, f"{name} needs at least one number, and all in [0, 1].")
        if not 0 <= self.corruption_rate < 1:
            detail = f"corruption_rate is {self.corruption_rate}; it must be in [0, 1)."
            raise ConfigError("corruption_rate", detail)
        if self.latent_dim is not None and self.latent_dim < 1:
            raise ConfigError("latent_dim", "latent_dim must be at least 1.")


def linear(config: LinearConfig, *, n_items: int, generator: torch.Generator) -> Network:
    """The network of the form that the config asks for."""
    if config.form == "elsa":
        return LowRank(config, n_items=n_items, generator=generator)
    if config.form == "spectral":
        return Spectral(
            config.latent_dim, config.item_exponent, n_items=n_items, generator=generator
        )
    return FullRank(config, n_items=n_items)


class FullRank(Network):
    """Scores are x B: a sum of the rows of B of the items present, never a product with all of B.

    B is stored in float32: 4 n_items^2 bytes, 37 MB for 3,043 items and 1.6 GB for 20,108; beyond
    30,000 items in float16.
    """

    weight: Tensor

    def __init__(self, config: LinearConfig, *, n_items: int):
        super().__init__(n_items, "squared")
        self.config = config
        self._chosen: dict[str, Any] = {}
        self._among: tuple[Tensor, Tensor] | None = None
        """While options are being chosen: the items that there are, and the place of each item
        among them, -1 of others.
        """
        self._shrinkage: Tensor | None = None
        """While the exponent of popularity is being chosen: what each item's score is times."""
        dtype = closed_form.answer_dtype(n_items)
        # B, and until it is known a single zero: what is refused must not take its memory first.
        self.register_buffer("weight", torch.zeros((), dtype=dtype).expand(n_items, n_items))

    def _load_from_state_dict(self, *args: Any) -> None:
        """Has a place to copy to; where tensors are assigned it is given up untouched."""
        self.weight = self.weight.new_empty(self.weight.shape)
        super()._load_from_state_dict(*args)

    def logits(self, x: Rows) -> Tensor:
        if self._shrinkage is not None:
            return times(x, self.weight).mul_(self._shrinkage)
        if self._among is None:
            return times(x, self.weight)
        assert isinstance(x, SparseRows)
        item_nums, place = self._among
        logits = torch.full((len(x), self.n_items), -torch.inf)
        shown = renumbered(x, place, len(item_nums))
        logits[:, item_nums] = times(shown, self.weight)
        return logits

    def logits_left_out(self, x: SparseRows, entry_nums: Tensor) -> Tensor:
        """Those of the whole row less what the entry gives: its value times its row of B."""
        row_nums, places = torch.unique_consecutive(rows_of(x, entry_nums), return_inverse=True)
        logits = self.logits(rows_at(x, row_nums))[places]
        gives = self.weight[x.indices[entry_nums]].to(logits.dtype)
        return logits.sub_(gives.mul_(x.values[entry_nums, None]))

    def prepare(self, x: SparseRows, *, memory_bytes: int | None = None) -> None:
        """Raise ConfigError unless B can be worked out in that much memory."""
        needed = closed_form.needed_bytes(len(x), self.n_items)
        if memory_bytes is not None and needed > memory_bytes:
            detail = (
                f"The form {self.config.form!r} of {self.n_items:,} items needs "
                f"{needed / GIGABYTE:.1f} GB of memory and {memory_bytes / GIGABYTE:.1f} GB are "
                "available. Take the form 'elsa', whose size grows with the items and not with "
                "their square, or the kind 'variational', whose sampled_share bounds its softmax."
            )
            raise ConfigError("form", detail)

    def solve(self, x: Rows, judge: Judge | None = None) -> None:
        """B for the numbers that are best by the judge.

        They are chosen as if there were only the SEARCHED most common items, at their degrees
        among all: that costs little, and what is rare decides little. Not so for the exponent of
        popularity, which is chosen once more among all items, of which only the scores change.
        """
        assert isinstance(x, SparseRows)
        problem = Problem(x, odds=self._odds if self.config.form == "edlae" else 0.0)
        start = {"regularisation": problem.mean_square(), **START}
        candidates = {name: getattr(self.config, name) for name in start}
        best = self._best(problem, candidates, judge, start)
        self.weight = self.weight.new_empty(0)  # so that old and new are never there together
        self.weight = problem.weights(best)
        if judge is not None and self.n_items > SEARCHED:
            exponents = candidates["popularity_exponent"]
            best["popularity_exponent"] = self._best_shrinkage(problem, exponents, judge)
        problem.shrink_(self.weight, best["popularity_exponent"])
        self._chosen = {name: [number] for name, number in best.items()}

    def _best(
        self,
        problem: Problem,
        candidates: dict[str, tuple[float, ...]],
        judge: Judge | None,
        start: Numbers,
    ) -> Numbers:
        item_nums = problem.most_common(min(SEARCHED, self.n_items))
        place = places_of(item_nums, self.n_items)
        self._among = (item_nums, place)
        part = problem.among(item_nums)

        def apply(numbers: Numbers) -> None:
            self.weight = self.weight.new_empty(0)
            self.weight = part.weights(numbers)
            part.shrink_(self.weight, numbers["popularity_exponent"])

        try:  # a judge may stop the fit
            return settle(candidates, apply, judge, start=start)
        finally:
            self._among = None

    def _best_shrinkage(self, problem: Problem, exponents: Sequence[float], judge: Judge) -> float:
        """The exponent of popularity that is best for the weights as they are."""

        def apply(exponent: float) -> None:
            self._shrinkage = problem.shrinkage(exponent).float()

        try:
            return best_of(exponents, apply, judge, start=START["popularity_exponent"])
        finally:
            self._shrinkage = None

    @property
    def chosen(self) -> dict[str, Any]:
        """The numbers of `solve`."""
        return self._chosen

    @property
    def _odds(self) -> float:
        return self.config.corruption_rate / (1 - self.config.corruption_rate)


class LowRank(Network):
    """Scores are x (A A' - I), the loss the angle between scores and row.

    In both spaces a user's vector is x A and an item's its row of A, without a bias; their product
    is the logit of an item that the history does not hold.
    """

    def __init__(self, config: LinearConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, "cosine")
        self.config = config
        latent_dim = config.latent_dim or min(512, (n_items + 1) // 2)
        if latent_dim > n_items:
            detail = (
                f"latent_dim is {latent_dim} but there are only {n_items} items: a low rank is "
                f"at most {n_items}."
            )
            raise ConfigError("latent_dim", detail)
        self.weight = nn.Parameter(torch.empty(n_items, latent_dim))
        nn.init.normal_(self.weight, std=START_DEVIATION, generator=generator)

    def encode(self, x: Rows) -> Tensor:
        """x A, (batch, latent_dim): of the items present alone."""
        return times(x, self._unit)

    def logits(self, x: Rows) -> Tensor:
        unit = self._unit
        logits = times(x, unit) @ unit.T
        row_nums, item_nums, values = entries(x)
        return logits.index_put((row_nums, item_nums), -values.to(logits.dtype), accumulate=True)

    def loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        """Whole rows against those of which some entries are hidden; nothing is penalised."""
        seen = masking(x, self.config.corruption_rate, generator)
        logits = torch.relu(self.logits(seen))
        return LossTerms(LOSSES["cosine"].of(logits, x), logits.new_zeros(()))

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One: A under `loss`."""
        return (TrainingPhase("fit", (Pass(self.loss, (self.weight,)),)),)

    def item_embeddings(self) -> Tensor:
        """The unit rows of A."""
        return self._unit.detach()

    def item_biases(self) -> Tensor:
        """None of them has one: zeros."""
        return torch.zeros(self.n_items)

    def user_embeddings(self, x: Rows, space: str) -> Tensor:
        """x A, in either space."""
        return self.encode(x)

    @property
    def _unit(self) -> Tensor:
        """A, (n_items, latent_dim)."""
        return F.normalize(self.weight, dim=1)
