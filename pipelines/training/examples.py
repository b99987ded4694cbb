"""What a fit learns from, and who judges it on the way. Not the fit: `fit.py`."""

from collections.abc import Iterator
from typing import Protocol

import torch

from models.autoencoders.base import Network
from models.rows import Rows, SparseRows
from pipelines.data.interactions import batches, to_rows
from pipelines.data.splits import Split
from pipelines.training.yardstick import yardstick_of


class Examples(Protocol):
    """Rows to train on, and rows that judge."""

    n_items: int
    """How many numbers a row has."""
    judged: bool
    """Whether there are rows that judge."""

    def rows(self) -> Rows:
        """All rows that train."""

    def n_rows(self, network: Network) -> int:
        """How many rows the network sees in an epoch."""

    def batches(
        self, network: Network, batch_size: int, generator: torch.Generator
    ) -> Iterator[Rows]:
        """The rows that train in an order that the generator draws."""

    def worth(self, network: Network) -> float:
        """How well the network does for the rows that judge; higher is better."""


class InteractionExamples:
    """Users' rows of a split."""

    def __init__(self, split: Split) -> None:
        self._split = split
        self.n_items = len(split.vocabulary)
        self.judged = split.validation is not None

    def rows(self) -> SparseRows:
        return to_rows(self._split.train)

    def n_rows(self, network: Network) -> int:
        return int(self._split.train.shape[1 if network.trains_on_items else 0])

    def batches(
        self, network: Network, batch_size: int, generator: torch.Generator
    ) -> Iterator[SparseRows]:
        x = self._split.train
        yield from batches(x.T.tocsr() if network.trains_on_items else x, batch_size, generator)

    def worth(self, network: Network) -> float:
        assert self._split.validation is not None
        yardstick = yardstick_of(network)
        return yardstick.worth(yardstick.scorer(network), self._split.validation)
