"""Filters that people drew up before networks learnt their own, as cross-correlation reads them."""

import torch
from torch import Tensor

from models.errors import ConfigError, choice_error

FILTERS: dict[str, tuple[tuple[float, ...], ...]] = {
    "mean-2x2": ((1 / 4,) * 2,) * 2,
    "mean-3x3": ((1 / 9,) * 3,) * 3,
    "left-difference": ((-1.0, 1.0),),
    "edges": ((-1.0, -1.0, -1.0), (-1.0, 8.0, -1.0), (-1.0, -1.0, -1.0)),
    "sobel-vertical": ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0)),
    "sobel-horizontal": ((1.0, 2.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -2.0, -1.0)),
    "blur": (
        (1 / 16, 2 / 16, 1 / 16),
        (2 / 16, 4 / 16, 2 / 16),
        (1 / 16, 2 / 16, 1 / 16),
    ),
}
"""`left-difference` is a pixel less its left neighbour. `edges` is eight times a pixel less its
eight neighbours. `sobel-vertical` finds vertical edges: it is positive where the left is brighter.
"""


def classic_filter(name: str) -> Tensor:
    """The filter of that name, (height, width). Raises ConfigError that lists the names."""
    if name not in FILTERS:
        raise choice_error("filter", name, FILTERS)
    return torch.tensor(FILTERS[name])


def gaussian_blur(size: int, deviation: float) -> Tensor:
    """A blur whose weights fall off like a bell, (size, size), with a sum of 1."""
    if size < 1 or not deviation > 0:
        detail = f"A blur of {size} with deviation {deviation} is none; both must be above 0."
        raise ConfigError("size", detail)
    distances = torch.arange(size) - (size - 1) / 2
    bell = torch.exp(-((distances / deviation) ** 2) / 2)
    weights = bell[:, None] * bell
    return weights / weights.sum()
