"""Which members a detector has, by what is known of its training rows, chosen on public data.

How they were chosen is in docs/adr/0014-members-of-detectors.md.
"""

from dataclasses import dataclass, replace
from typing import Literal

from models.detectors.members import MemberName
from models.detectors.networks import NetworksConfig

Regime = Literal["clean", "contaminated"]
Form = Literal["full", "fast"]


@dataclass(frozen=True)
class Recipe:
    """Members with their weights, and how they are fitted."""

    weights: dict[MemberName, float]
    n_neighbours: int
    trimmed: float
    """Share of the training rows, the strangest to a forest, from which the others do not learn."""
    networks: NetworksConfig = NetworksConfig()
    n_trees: int = 300


CLEAN = Recipe(
    {"networks": 4.0, "neighbours": 1.0, "robust-neighbours": 1.0}, n_neighbours=3, trimmed=0.0
)
CONTAMINATED = Recipe({"networks": 4.0, "robust-neighbours": 1.0}, n_neighbours=20, trimmed=0.2)
FAST = NetworksConfig(n_members=1, steps=300, n_draws=2)

RECIPES: dict[tuple[Regime, Form], Recipe] = {
    ("clean", "full"): CLEAN,
    ("contaminated", "full"): CONTAMINATED,
    ("clean", "fast"): replace(CLEAN, networks=FAST),
    ("contaminated", "fast"): replace(CONTAMINATED, networks=FAST, n_trees=100),
}
