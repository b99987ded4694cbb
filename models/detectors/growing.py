"""Fits the members of a detector to prepared rows, one after the other. Not what they score."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.detectors.forest import Forest
from models.detectors.mahalanobis import Mahalanobis
from models.detectors.members import (
    CodeMember,
    ForestMember,
    Member,
    MemberName,
    NetworksMember,
)
from models.detectors.neighbours import Neighbours
from models.detectors.networks import fit_networks
from models.detectors.recipes import Recipe

GRAIN_NEIGHBOURS = 5
LEAST_GRAIN = 0.02
"""Of rows that are mostly copies of each other."""
MAX_GRAIN_ROWS = 1000


OnStep = Callable[[str, int, int], object]
"""Told what is being done, and how much of how much is done; what it raises ends the fit."""


def in_silence(_what: str, _done: int, _total: int) -> None:
    """An OnStep that tells nobody."""


@dataclass(frozen=True)
class Ground:
    """What members are fitted on: rows x (n_rows, n_features), and how rows are scored later.

    scores_own: the rows that will be scored may be these very rows. owner: the column of each
    feature, then of those that never vary.
    """

    x: Tensor
    recipe: Recipe
    scores_own: bool
    generator: torch.Generator
    owner: Tensor
    on_step: OnStep = in_silence


def fit_members(ground: Ground) -> dict[MemberName, Member]:
    """The members of the recipe; heads on codes after the networks that give these.

    Networks that only give codes are no member: the heads hold them.
    """
    asked = ground.recipe.weights
    on_codes = any(name.startswith("code-") for name in asked)
    fitted: dict[MemberName, Member] = {}
    for name, fit in FITS.items():
        if name in asked or (name == "networks" and on_codes):
            ground.on_step(name, 0, 1)
            fitted[name] = fit(ground, fitted)
    return {name: member for name, member in fitted.items() if name in asked}


def trim(x: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """The numbers of the rows that look usual to a forest, all but a share `trimmed`."""
    kept = len(x) - int(len(x) * recipe.trimmed)
    if kept == len(x):
        return torch.arange(len(x))
    forest = Forest.fit(x, n_trees=recipe.n_trees, generator=generator)
    return forest.score(x).topk(kept, largest=False).indices.sort().values


def grain_of(x: Tensor, generator: torch.Generator) -> float:
    """The typical difference, in one feature, of a row from its nearest others."""
    neighbours = Neighbours.fit(x, k=GRAIN_NEIGHBOURS, skips_itself=True, generator=generator)
    some = x[torch.randperm(len(x), generator=generator)[:MAX_GRAIN_ROWS]]
    grain = float(neighbours.errors(some).mean(dim=1).median().sqrt())
    return max(grain, LEAST_GRAIN)


def _networks(ground: Ground, members: dict[MemberName, Member]) -> Member:
    grain = grain_of(ground.x, ground.generator)
    return NetworksMember(
        fit_networks(
            ground.x,
            ground.recipe.networks,
            grain=grain,
            generator=ground.generator,
            cells=ground.owner[: ground.x.shape[1]],  # a column of a window is a cell of it
            on_epoch=lambda done, total: ground.on_step("networks", done, total),
        )
    )


def _neighbours_of(ground: Ground, x: Tensor, name: MemberName) -> Neighbours:
    return Neighbours.fit(
        x,
        k=ground.recipe.n_neighbours[name],
        skips_itself=ground.scores_own,
        generator=ground.generator,
        robust=name == "robust-neighbours",
    )


def _forest(ground: Ground, members: dict[MemberName, Member]) -> Member:
    return ForestMember(
        Forest.fit(ground.x, n_trees=ground.recipe.n_trees, generator=ground.generator)
    )


def _on_codes(
    ground: Ground,
    members: dict[MemberName, Member],
    fit_head: Callable[[Tensor], Neighbours | Mahalanobis],
) -> Member:
    networks = members["networks"]
    assert isinstance(networks, NetworksMember)
    return CodeMember(networks, fit_head(networks.codes(ground.x)))


FITS: dict[MemberName, Callable[[Ground, dict[MemberName, Member]], Member]] = {
    "networks": _networks,
    "neighbours": lambda ground, _: _neighbours_of(ground, ground.x, "neighbours"),
    "robust-neighbours": lambda ground, _: _neighbours_of(ground, ground.x, "robust-neighbours"),
    "mahalanobis": lambda ground, _: Mahalanobis.fit(ground.x),
    "forest": _forest,
    "code-neighbours": lambda ground, members: _on_codes(
        ground, members, lambda codes: _neighbours_of(ground, codes, "code-neighbours")
    ),
    "code-mahalanobis": lambda ground, members: _on_codes(ground, members, Mahalanobis.fit),
}
