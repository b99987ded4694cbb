"""Which members a detector has, by what is known of its training rows, chosen on public data.

How they were chosen is in docs/adr/0014-members-of-detectors.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from models.detectors.members import MemberName
from models.detectors.networks import NetworksConfig

Regime = Literal["clean", "contaminated"]
Form = Literal["full", "fast"]


@dataclass(frozen=True)
class Recipe:
    """Members with their weights, and how they are fitted."""

    weights: dict[MemberName, float]
    n_neighbours: dict[MemberName, int]
    """Of each member that has some."""
    trimmed: float
    """Share of the training rows, the strangest to a forest, from which the others do not learn."""
    networks: NetworksConfig = NetworksConfig()
    n_trees: int = 300
    local_powers: Mapping[MemberName, float] = field(default_factory=dict)
    """Of members whose errors are divided by a power of what they make of the nearest training
    rows (locality.py)."""


CLEAN = Recipe(
    {"networks": 4.0, "neighbours": 1.0, "robust-neighbours": 1.0},
    n_neighbours={"neighbours": 1, "robust-neighbours": 3, "code-neighbours": 3},
    trimmed=0.0,
    networks=NetworksConfig(levels=(0.25, 0.5, 1.0)),
    local_powers={"networks": 1.0, "neighbours": 0.25, "robust-neighbours": 0.25},
)
CONTAMINATED = Recipe(
    {"networks": 4.0, "robust-neighbours": 1.0},
    n_neighbours={"neighbours": 20, "robust-neighbours": 20, "code-neighbours": 20},
    trimmed=0.2,
    networks=NetworksConfig(levels=(0.5, 1.0, 2.0)),
)


def _fast(recipe: Recipe) -> Recipe:
    """One network, less training, fewer trees."""
    networks = replace(recipe.networks, n_members=1, steps=300, n_draws=2)
    return replace(recipe, networks=networks, n_trees=100)


RECIPES: dict[tuple[Regime, Form], Recipe] = {
    ("clean", "full"): CLEAN,
    ("contaminated", "full"): CONTAMINATED,
    ("clean", "fast"): _fast(CLEAN),
    ("contaminated", "fast"): _fast(CONTAMINATED),
}
