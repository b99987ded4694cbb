"""What the scikit-learn faces share: their parameters. Not what they learn from them.

Parameters are kept as they were given and looked at in `fit`, as scikit-learn asks. Randomness is
that of a generator seeded with `random_state`; nothing global is seeded.
"""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from models.autoencoders.base import Network
from models.catalog import build
from models.fitting import FitConfig
from models.options import check_types

Array = np.ndarray[Any, Any]

CHUNK = 1024
"""Rows of one forward pass: bounds memory, whatever the table."""


def generator_of(random_state: Any) -> torch.Generator:
    """Seeded with `random_state`; with a draw from it, where it is not a number."""
    seed = random_state
    if not isinstance(seed, Integral):
        seed = check_random_state(seed).randint(2**31)
    return torch.Generator().manual_seed(int(seed))


class NetworkEstimator(BaseEstimator):
    """A network of a `kind` of the catalog, fitted for a number of epochs.

    latent_dim is the width of the code, None for the kind's own; `options` are the kind's other
    options by name. `fit` raises ConfigError for a parameter that cannot be used.
    """

    def __init__(
        self,
        kind: str = "undercomplete",
        *,
        latent_dim: int | None = None,
        options: Mapping[str, Any] | None = None,
        epochs: int = 100,
        learning_rate: float = 0.01,
        batch_size: int = 50,
        random_state: Any = 0,
    ) -> None:
        self.kind = kind
        self.latent_dim = latent_dim
        self.options = options
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state

    def _generator(self) -> torch.Generator:
        return generator_of(self.random_state)

    def _build(self, n_items: int, generator: torch.Generator, **defaults: Any) -> Network:
        width = {} if self.latent_dim is None else {"latent_dim": self.latent_dim}
        options = {**defaults, **width, **(self.options or {})}
        return build(self.kind, options, n_items=n_items, generator=generator)

    def _fit_config(self) -> FitConfig:
        names = ("epochs", "batch_size", "learning_rate")
        values = {name: getattr(self, name) for name in names}
        check_types(FitConfig, values)
        return FitConfig(**values)
