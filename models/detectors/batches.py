"""How small networks of detectors see their rows: how often in training, and how many at once."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

BATCH_SIZE = 128
CHUNK, CHUNK_CELLS = 1024, 1 << 18
"""Rows, and numbers in them, that are scored together: bounds memory, whatever the table."""


def batch_size(n_rows: int) -> int:
    """Rows of a batch: all where they are few."""
    return min(BATCH_SIZE, n_rows)


def n_epochs(n_rows: int, *, steps: int, epochs: int) -> int:
    """How often each row is seen: about so many steps in all, at most so many epochs."""
    return min(epochs, max(1, round(steps / math.ceil(n_rows / batch_size(n_rows)))))


def shuffled(x: Tensor, generator: torch.Generator, *, least: int = 1) -> Iterator[Tensor]:
    """All rows x (n_rows, ...) once, in batches of one size but the last; of fewer rows than
    `least`, that one is left out.
    """
    order = torch.randperm(len(x), generator=generator)
    for chosen in torch.split(order, batch_size(len(x))):
        if len(chosen) >= least:
            yield x[chosen]


def chunks(x: Tensor) -> tuple[Tensor, ...]:
    """The rows x (n_rows, n_features), some at a time."""
    return torch.split(x, max(1, min(CHUNK, CHUNK_CELLS // max(1, x.shape[1]))))
