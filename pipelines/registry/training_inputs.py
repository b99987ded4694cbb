"""How inputs were distributed when a network was trained, as part of its artifact: as tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.scoring.drift import Reference

PREFIX: Final = "training."
"""Of the names of the tensors, in the file of weights."""
POPULARITY: Final = "popularity"
MISSING: Final = ".missing"


@dataclass(frozen=True)
class TrainingInputs:
    """References by the name of the input, as `pipelines/watch/user_inputs.py` has them.

    popularity (n_items,): the share of the users who had each item that the network knows.
    """

    popularity: NDArray[np.float64]
    references: Mapping[str, Reference]


def inputs_tensors(inputs: TrainingInputs) -> dict[str, Tensor]:
    """By name."""
    tensors = {POPULARITY: torch.from_numpy(inputs.popularity)}
    for name, reference in inputs.references.items():
        tensors[name] = torch.tensor(reference.kept, dtype=torch.float64)
        tensors[name + MISSING] = torch.tensor([reference.missing])
    return {PREFIX + name: tensor for name, tensor in tensors.items()}


def take_inputs(tensors: dict[str, Tensor]) -> TrainingInputs | None:
    """What `inputs_tensors` made, taken out of the tensors; None where they hold none: artifacts
    of before inputs were kept.
    """
    names = [name for name in tensors if name.startswith(PREFIX)]
    held = {name.removeprefix(PREFIX): tensors.pop(name) for name in names}
    if not held:
        return None
    popularity = held.pop(POPULARITY).numpy()
    references = {
        name: Reference(tuple(kept.tolist()), int(held[name + MISSING]))
        for name, kept in held.items()
        if not name.endswith(MISSING)
    }
    return TrainingInputs(popularity, references)
