"""What a detector of pictures is made of: members that each score prepared pictures in their way.

A member that compares a picture with another, rebuilt or remembered, can say at which pixels they
differ; a forest, and the naming of how a picture was displaced, cannot. Not how they are joined.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from models.detectors.contamination import typical_of
from models.detectors.forest import Forest
from models.detectors.growing import OnStep, in_silence
from models.detectors.neighbours import Neighbours
from models.detectors.pictures import Components
from models.detectors.restoring import RestoringConfig, RestoringNetwork, fit_restoring

ImageMemberName = Literal["components", "neighbours", "forest", "restoring"]
N_CODES, N_PLAIN_CODES = 128, 32
"""Components by which neighbours are compared, and those that `components` rebuilds from."""
PICTURES_A_CODE = 10
"""Training pictures for each component that `components` rebuilds from, at least: with fewer it
would rebuild those much better than others, and others would all look strange.
"""
N_NEIGHBOURS = 5
N_TREES = 300
RESTORING = RestoringConfig()
RESTORED, NAT, CODE = 0.3, 1.0, 0.5
"""What counts of a picture set upright: the error of its pixels and the distance of its code, each
by what is typical, and a nat of naming.
"""
N_NEAR_CODES = 3
MAX_JUDGED = 1000
"""Training pictures from which what is typical is learned, about: judging one takes 20 passes."""
LEAST_CODE = 1e-3
"""Deviation of an entry of the code, as a share of that of all, below which it is not blown up."""


class ImageMember(Protocol):
    """Anything that tells how strange pictures are, and perhaps where."""

    def judge(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (n, n_pixels) float64 -> what each pixel accounts for, (n, n_pixels), and what none
        does, (n,).
        """
        ...


@dataclass(frozen=True)
class ComponentsMember:
    """What the first n principal components cannot rebuild."""

    components: Components
    n: int

    def judge(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first = replace(self.components, basis=self.components.basis[: self.n])
        return first.residual(x).square(), x.new_zeros(len(x))


@dataclass(frozen=True)
class NeighboursMember:
    """How far a picture's components are from those of the nearest training pictures."""

    components: Components
    near: Neighbours

    def judge(self, x: Tensor) -> tuple[Tensor, Tensor]:
        codes = self.components.codes(x)
        return self.near.errors(codes, along=self.components.basis), x.new_zeros(len(x))

    def expected(self, x: Tensor) -> Tensor:
        """The mean of the nearest training pictures, as components tell it, (n, n_pixels)."""
        return self.components.restored(self.near.expected(self.components.codes(x)))


@dataclass(frozen=True)
class ImageForestMember:
    """An isolation forest over the pixels."""

    forest: Forest

    def judge(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(x), self.forest.score(x)


@dataclass(frozen=True)
class RestoringMember:
    """The autoencoder that sets pictures upright: what it restores wrongly, the nats that naming
    costs it, and how far a code is from those of training.

    typical_error, typical_distance: of training pictures, what each of these two is divided by.
    """

    network: RestoringNetwork
    near: Neighbours
    typical_error: float = 1.0
    typical_distance: float = 1.0

    def judge(self, x: Tensor) -> tuple[Tensor, Tensor]:
        errors, nats = self.network.judged(x)
        distances = self.near.errors(self.network.codes(x)).sum(dim=1)
        rest = NAT * nats + CODE / self.typical_distance * distances
        return errors * (RESTORED / self.typical_error), rest


@dataclass(frozen=True)
class ImageGround:
    """What members are fitted on: x (n, n_pixels), pictures of so many channels and that side;
    components that those share which see codes.
    """

    x: Tensor
    shape: tuple[int, int, int]
    components: Components
    generator: torch.Generator
    scores_own: bool = False
    on_step: OnStep = in_silence


def _components(ground: ImageGround) -> ImageMember:
    n = min(N_PLAIN_CODES, max(1, len(ground.x) // PICTURES_A_CODE))
    return ComponentsMember(ground.components, n)


def _neighbours(ground: ImageGround) -> ImageMember:
    """Codes are divided by the largest, so that none is as far off as a feature's bound."""
    codes = ground.components.codes(ground.x)
    near = Neighbours.fit(
        codes, k=N_NEIGHBOURS, skips_itself=ground.scores_own, generator=ground.generator
    )
    reach = codes.abs().max().clamp_min(1e-9)
    return NeighboursMember(ground.components, replace(near, scale=near.scale * reach))


def _forest(ground: ImageGround) -> ImageMember:
    return ImageForestMember(Forest.fit(ground.x, n_trees=N_TREES, generator=ground.generator))


def _restoring(ground: ImageGround) -> ImageMember:
    network = fit_restoring(
        ground.x,
        RESTORING,
        shape=ground.shape,
        generator=ground.generator,
        on_epoch=lambda done, total: ground.on_step("restoring", done, total),
    )
    codes = network.codes(ground.x)
    spread = codes.std(dim=0, correction=0) + LEAST_CODE * codes.std(correction=0) + 1e-12
    near = Neighbours.fit(
        codes, k=N_NEAR_CODES, skips_itself=ground.scores_own, generator=ground.generator
    )
    near = replace(near, scale=spread)
    distances = replace(near, skips_itself=True).errors(codes).sum(dim=1)
    some = ground.x[:: max(1, len(ground.x) // MAX_JUDGED)]
    errors = network.judged(some)[0].sum(dim=1)
    return RestoringMember(network, near, typical_of(errors), typical_of(distances))


IMAGE_FITS: dict[ImageMemberName, Callable[[ImageGround], ImageMember]] = {
    "components": _components,
    "neighbours": _neighbours,
    "forest": _forest,
    "restoring": _restoring,
}


def reference_scores_of(member: ImageMember, x: Tensor) -> Tensor:
    """What pictures score on which the member was fitted, as if they were others, (n,)."""
    if isinstance(member, NeighboursMember | RestoringMember):
        member = replace(member, near=replace(member.near, skips_itself=True))
    maps, rest = member.judge(x)
    return maps.sum(dim=1) + rest
