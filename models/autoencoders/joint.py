"""Several networks over the same rows, blended: the sum of w_k z(member k's logits).

z takes from a row's logits their mean over the items and divides by their deviation, so that
members of different scale can be weighed. Each can be checked against its own figures. Two such
paths side by side, one deep and one linear, are the idea of VASP (Vancura & Kordik 2021, "Deep
variational autoencoder with shallow parallel path for top-N recommendation"), which instead
multiplies their outputs and trains both as one. Which members, and how much each counts, is not
chosen here but by who judges: see `pipelines/training/blending.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn

from models.autoencoders.base import Network, Pass, TrainingPhase
from models.autoencoders.search import Judge
from models.errors import ConfigError, option_error
from models.options import check_types
from models.rows import Rows, SparseRows

NO_MEMBERS = ("joint", "rating")
"""Kinds that cannot be blended: a blend itself, and what foretells ratings."""


@dataclass(frozen=True)
class Member:
    """One network of a blend."""

    kind: str
    network: Mapping[str, Any] = field(default_factory=dict)
    """Options of the kind."""
    fit: Mapping[str, Any] = field(default_factory=dict)
    """How it is fitted where each is fitted by itself; threads and device are the blend's."""


def check_member(values: Mapping[str, Any]) -> None:
    """Raise ConfigError unless the values are those of a Member that can be blended."""
    known = [each.name for each in fields(Member)]
    for name in values:
        if name not in known:
            raise option_error("members", name, known)
    if "kind" not in values:
        raise ConfigError("members", "Each of the members needs a kind.")
    check_types(Member, values)
    if values["kind"] in NO_MEMBERS:
        detail = f"A member of a blend cannot be of kind {values['kind']!r}."
        raise ConfigError("members", detail)


@dataclass(frozen=True)
class JointConfig:
    """Hyperparameters of a blend."""

    members: tuple[Mapping[str, Any], ...] = (
        {"kind": "variational", "network": {"form": "recvae"}},
        {"kind": "linear", "network": {"form": "edlae"}},
    )
    """The networks: of each its `kind`, the options of its `network`, and those of its `fit`."""
    weights: tuple[float, ...] | None = None
    """What each member counts, summing to 1. None: chosen by the validation users, all alike where
    there are none.
    """

    def __post_init__(self) -> None:
        for member in self.members:
            check_member(member)
        if self.weights is None:
            return
        if len(self.weights) != len(self.members) or min(self.weights, default=0) < 0:
            detail = "weights needs one number for each of the members, none below 0."
            raise ConfigError("weights", detail)
        if abs(sum(self.weights) - 1) > 1e-6:
            raise ConfigError("weights", f"weights sum to {sum(self.weights):g}; they must to 1.")

    @property
    def parts(self) -> tuple[Member, ...]:
        """The members, one by one."""
        return tuple(Member(**member) for member in self.members)


class Joint(Network):
    """All members over the same rows, each with its weight.

    Its code is that of the first member that has one. There are no item embeddings: the members'
    are of different spaces.
    """

    weights: Tensor

    def __init__(
        self, members: Sequence[Network], weights: Sequence[float] | None, *, n_items: int
    ) -> None:
        super().__init__(n_items, "squared")
        self.members = nn.ModuleList(members)
        alike = [1 / len(members)] * len(members)
        self.register_buffer("weights", torch.tensor(alike if weights is None else list(weights)))

    def logits(self, x: Rows) -> Tensor:
        """The blend, (batch, n_items); a member without weight is not asked."""
        return self._sum([(w, standardised(m.logits(x))) for w, m in self._weighed])

    def logits_left_out(self, x: SparseRows, entry_nums: Tensor) -> Tensor:
        """The blend of what each member says without the entry."""
        return self._sum(
            [(w, standardised(m.logits_left_out(x, entry_nums))) for w, m in self._weighed]
        )

    def reconstruct(self, x: Rows) -> Tensor:
        """The blend of what each member expects, on the scale of the data."""
        return self._sum([(w, m.reconstruct(x)) for w, m in self._weighed])

    @staticmethod
    def _sum(parts: list[tuple[float, Tensor]]) -> Tensor:
        return torch.stack([weight * part for weight, part in parts]).sum(dim=0)

    @property
    def _weighed(self) -> list[tuple[float, Network]]:
        pairs = zip(self.weights.tolist(), self.networks, strict=True)
        return [(weight, network) for weight, network in pairs if weight > 0]

    @property
    def networks(self) -> list[Network]:
        """The members."""
        return list(self.members)  # type: ignore[arg-type]

    def prepare(self, x: SparseRows, *, memory_bytes: int | None = None) -> None:
        """As each member does."""
        for network in self.networks:
            network.prepare(x, memory_bytes=memory_bytes)

    def phases(self) -> tuple[TrainingPhase, ...]:
        """For who trains it as one: the members' first phases, then their last ones together."""
        firsts = [phase for network in self.networks for phase in network.phases()[:-1]]
        lasts = [phase for network in self.networks for phase in network.phases()[-1:]]
        passes: tuple[Pass, ...] = tuple(each for phase in lasts for each in phase.passes)
        return (*firsts, TrainingPhase("fit", passes)) if passes else ()

    def solve(self, x: Rows, judge: Judge | None = None) -> None:
        """Solve the members; who trains it as one has nobody judge their numbers."""
        for network in self.networks:
            network.solve(x)

    def user_embeddings(self, x: Rows, space: str) -> Tensor | None:
        """The first code there is; no decoder space."""
        if space != "code":
            return None
        codes = (network.user_embeddings(x, space) for network in self.networks)
        return next((code for code in codes if code is not None), None)


def standardised(logits: Tensor) -> Tensor:
    """Each row less its mean, over its deviation, (batch, n_items); a constant row is all 0."""
    deviation, mean = torch.std_mean(logits, dim=1, correction=0, keepdim=True)
    return (logits - mean) / deviation.clamp_min(1e-12)
