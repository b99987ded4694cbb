"""How inputs were distributed when a network was trained, as part of its artifact: as tensors."""

import hashlib
from collections.abc import Iterable, Mapping
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
TRAINED_ON: Final = "trained-on"


@dataclass(frozen=True)
class TrainingInputs:
    """References by the name of the input, as `pipelines/watch/user_inputs.py` has them.

    popularity (n_items,): the share of the users trained on who had each item that the network
    knows. trained_on (n_users,): hashes of the ids of these users, sorted.
    """

    popularity: NDArray[np.float64]
    references: Mapping[str, Reference]
    trained_on: NDArray[np.int64]


def hashes_of(user_ids: Iterable[str]) -> NDArray[np.int64]:
    """Ids as numbers, in their order."""
    digests = (hashlib.sha256(user_id.encode()).digest() for user_id in user_ids)
    numbers = (int.from_bytes(digest[:8], "little", signed=True) for digest in digests)
    return np.fromiter(numbers, dtype=np.int64)


def inputs_tensors(inputs: TrainingInputs) -> dict[str, Tensor]:
    """By name."""
    tensors = {
        POPULARITY: torch.from_numpy(inputs.popularity),
        TRAINED_ON: torch.from_numpy(inputs.trained_on),
    }
    for name, reference in inputs.references.items():
        tensors[name] = torch.tensor(reference.kept, dtype=torch.float64)
        tensors[name + MISSING] = torch.tensor([reference.missing])
    return {PREFIX + name: tensor for name, tensor in tensors.items()}


def take_inputs(tensors: dict[str, Tensor]) -> TrainingInputs | None:
    """What `inputs_tensors` made, taken out of the tensors; None where they do not hold it all:
    artifacts of before that was kept.
    """
    names = [name for name in tensors if name.startswith(PREFIX)]
    held = {name.removeprefix(PREFIX): tensors.pop(name) for name in names}
    if TRAINED_ON not in held:
        return None
    trained_on = held.pop(TRAINED_ON).numpy()
    popularity = held.pop(POPULARITY).numpy()
    references = {
        name: Reference(tuple(kept.tolist()), int(held[name + MISSING]))
        for name, kept in held.items()
        if not name.endswith(MISSING)
    }
    return TrainingInputs(popularity, references, trained_on)
