"""What a detector is made of: members that each score prepared rows in their own way.

A member that rebuilds a row, or compares it with others, gives errors a feature, whose sum is its
score; one that cannot say which feature it was gives one number a row. Not how they are joined.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

import torch
from torch import Tensor

from models.detectors.batches import chunks
from models.detectors.forest import Forest
from models.detectors.mahalanobis import Mahalanobis
from models.detectors.neighbours import Neighbours
from models.detectors.networks import RowNetworks

MemberName = Literal[
    "networks",
    "neighbours",
    "robust-neighbours",
    "mahalanobis",
    "forest",
    "code-neighbours",
    "code-mahalanobis",
]


class Member(Protocol):
    """Anything that tells how strange rows are, and whether it tells by which features."""

    @property
    def tells_features(self) -> bool: ...

    def errors(self, x: Tensor) -> Tensor:
        """x (n_rows, n_features) float64 -> (n_rows, n_features), or (n_rows, 1) of no feature."""
        ...


@dataclass(frozen=True)
class ForestMember:
    """An isolation forest: its score belongs to no feature."""

    forest: Forest
    tells_features: ClassVar[bool] = False

    def errors(self, x: Tensor) -> Tensor:
        return self.forest.score(x)[:, None]


@dataclass(frozen=True)
class NetworksMember:
    """The autoencoders: squared errors of what they rebuild."""

    networks: RowNetworks
    tells_features: ClassVar[bool] = True

    def errors(self, x: Tensor) -> Tensor:
        with torch.inference_mode():
            return torch.cat([self.networks.errors(rows) for rows in chunks(x)])

    def expected(self, x: Tensor) -> Tensor:
        """What the rows should look like, (n_rows, n_features)."""
        with torch.inference_mode():
            return torch.cat([self.networks.logits(rows) for rows in chunks(x)])

    def codes(self, x: Tensor) -> Tensor:
        """Where the rows lie, (n_rows, n)."""
        with torch.inference_mode():
            return torch.cat([self.networks.codes(rows) for rows in chunks(x)])


@dataclass(frozen=True)
class CodeMember:
    """A head on the code of the autoencoders: it belongs to no feature of the row."""

    networks: NetworksMember
    head: Neighbours | Mahalanobis
    tells_features: ClassVar[bool] = False

    def errors(self, x: Tensor) -> Tensor:
        return self.head.errors(self.networks.codes(x)).sum(dim=1, keepdim=True)

    def expected(self, x: Tensor) -> Tensor:
        """What the rows should look like, (n_rows, n_features)."""
        return self.networks.expected(x)


def expected_of(members: Sequence[Member], x: Tensor) -> Tensor:
    """What is usual given the rest of the row: as the nearest training rows have it, the most that
    a member looks at; without such a member as rebuilt; else the mean. (n_rows, n_features)

    Networks come second: at the low noise at which they score they nearly copy a strange cell.
    """
    neighbours = [each for each in members if isinstance(each, Neighbours)]
    if neighbours:
        return max(neighbours, key=lambda each: each.k).expected(x)
    for member in members:
        if isinstance(member, NetworksMember | CodeMember):
            return member.expected(x)
    return torch.zeros_like(x)


def reference_errors(member: Member, x: Tensor) -> Tensor:
    """The errors of rows on which the member was fitted, as if they were others."""
    if isinstance(member, Neighbours):
        member = replace(member, skips_itself=True)
    return member.errors(x)
