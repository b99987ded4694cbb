"""A deep and a linear path, blended: w z(deep(x)) + (1 - w) z(x B), the weight from validation.

z takes from a row's logits their mean over the items and divides by their deviation, so that two
paths of different scale can be weighed. The deep path is a variational autoencoder, trained first;
the linear one EASE or EDLAE, solved after it; then w is chosen by who was not trained on.
The idea of two such paths side by side is that of VASP (Vancura & Kordik 2021, "Deep variational
autoencoder with shallow parallel path for top-N recommendation"), which instead multiplies their
outputs and trains both as one. Here each can be checked against its own figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import torch
from torch import Tensor

from models.autoencoders.base import Network, TrainingPhase
from models.autoencoders.linear import FullRank, LinearConfig
from models.autoencoders.recvae import variational
from models.autoencoders.search import Judge
from models.autoencoders.variational import VariationalConfig
from models.errors import ConfigError, option_error
from models.rows import Rows, SparseRows

STEPS = 20
"""Weights tried: 0, 1 / STEPS, ... 1."""
T = TypeVar("T")


@dataclass(frozen=True)
class JointConfig:
    """Hyperparameters of a blend."""

    deep: Mapping[str, Any] = field(default_factory=lambda: {"form": "recvae"})
    """Options of the deep path: those of `variational`."""
    linear: Mapping[str, Any] = field(default_factory=lambda: {"form": "edlae"})
    """Options of the linear path: those of `linear`, in a form of full rank."""
    deep_weight: float | None = None
    """w. None: chosen by the validation users, a half where there are none."""

    def __post_init__(self) -> None:
        if self.deep_weight is not None and not 0 <= self.deep_weight <= 1:
            detail = f"deep_weight is {self.deep_weight}; it must be in [0, 1]."
            raise ConfigError("deep_weight", detail)
        if self.linear_config.form == "elsa":
            raise ConfigError("linear", "The linear path is of full rank: ease or edlae.")
        assert self.deep_config

    @property
    def deep_config(self) -> VariationalConfig:
        return _part(VariationalConfig, "deep", self.deep)

    @property
    def linear_config(self) -> LinearConfig:
        return _part(LinearConfig, "linear", self.linear)


def _part(config: type[T], name: str, values: Mapping[str, Any]) -> T:
    known = [each.name for each in fields(config)]  # type: ignore[arg-type]
    for option in values:
        if option not in known:
            raise option_error(name, option, known)
    return config(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


class Joint(Network):
    """Both paths over the same rows; until the linear one is solved it ranks by the deep alone.

    Its code is the deep path's. There are no item embeddings: the linear path has none.
    """

    deep_weight: Tensor

    def __init__(self, config: JointConfig, *, n_items: int, generator: torch.Generator):
        super().__init__(n_items, "squared")
        self.config = config
        self.deep = variational(config.deep_config, n_items=n_items, generator=generator)
        self.linear = FullRank(config.linear_config, n_items=n_items)
        self.register_buffer("deep_weight", torch.ones(()))

    def logits(self, x: Rows) -> Tensor:
        if self.deep_weight == 0:
            return standardised(self.linear.logits(x))
        if self.deep_weight == 1:
            return standardised(self.deep.logits(x))
        return self._blend(standardised(self.deep.logits(x)), standardised(self.linear.logits(x)))

    def reconstruct(self, x: Rows) -> Tensor:
        """The blend of what each path expects, on the scale of the data."""
        return self._blend(self.deep.reconstruct(x), self.linear.reconstruct(x))

    def _blend(self, deep: Tensor, linear: Tensor) -> Tensor:
        return self.deep_weight * deep + (1 - self.deep_weight) * linear

    def prepare(self, x: SparseRows, *, memory_bytes: int | None = None) -> None:
        """Raise ConfigError unless the linear path can be worked out in that much memory."""
        self.linear.prepare(x, memory_bytes=memory_bytes)

    def phases(self) -> tuple[TrainingPhase, ...]:
        """Those of the deep path."""
        return self.deep.phases()

    def solve(self, x: Rows, judge: Judge | None = None) -> None:
        """The linear path, judged by itself; then the weight of the deep one."""
        self.deep_weight.fill_(0)
        self.linear.solve(x, judge)
        if self.config.deep_weight is not None or judge is None:
            given = self.config.deep_weight
            self.deep_weight.fill_(0.5 if given is None else given)
            return
        judged = [(self._judged(judge, step / STEPS), step / STEPS) for step in range(STEPS + 1)]
        self.deep_weight.fill_(max(judged)[1])

    @property
    def chosen(self) -> dict[str, Any]:
        """The linear path's lambda and the weight of the deep one."""
        linear = {**self.config.linear, **self.linear.chosen}
        return {"linear": linear, "deep_weight": float(self.deep_weight)}

    def _judged(self, judge: Judge, weight: float) -> float:
        self.deep_weight.fill_(weight)
        return judge()

    def user_embeddings(self, x: Rows, space: str) -> Tensor | None:
        """The deep path's code; there is no decoder space."""
        return self.deep.encode(x) if space == "code" else None


def standardised(logits: Tensor) -> Tensor:
    """Each row less its mean, over its deviation, (batch, n_items); a constant row is all 0."""
    deviation, mean = torch.std_mean(logits, dim=1, correction=0, keepdim=True)
    return (logits - mean) / deviation.clamp_min(1e-12)
