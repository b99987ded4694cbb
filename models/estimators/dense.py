"""A network over a table of real numbers, standardised. Not what is read off it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from models.autoencoders.base import Autoencoder
from models.autoencoders.losses import LOSSES
from models.catalog import get_kind
from models.errors import ConfigError, choice_error
from models.estimators.base import CHUNK, Array, NetworkEstimator
from models.fitting import fit_all


def column_scale(centred: Array) -> Array:
    """Each column's standard deviation; 1 for one that does not vary beyond rounding."""
    scale: Array = np.sqrt(np.square(centred).mean(axis=0))
    return np.where(scale > SMALLEST, scale, 1.0)


def table_scale(centred: Array) -> Array:
    """The standard deviation of the whole table, for every column alike."""
    scale = np.sqrt(np.square(centred).mean())
    return np.full(centred.shape[1], scale if scale > SMALLEST else 1.0)


SMALLEST = 1e-10
SCALINGS: dict[str, Callable[[Array], Array]] = {"column": column_scale, "table": table_scale}


class DenseEstimator(NetworkEstimator):
    """Learns `network_`, and `mean_` and `scale_` (n_features,) of the columns.

    `scaling` says by what a column is divided: `column`, its own standard deviation; `table`, that
    of all columns, where they share a unit as pixels do. A kind's loss is `squared` here, or
    `gaussian`: standardised columns are neither counts nor coins. The arithmetic is in float64, so
    that a row's answer is its own in any batch.
    """

    def __init__(
        self,
        kind: str = "undercomplete",
        *,
        latent_dim: int | None = None,
        options: Mapping[str, Any] | None = None,
        scaling: str = "column",
        epochs: int = 100,
        learning_rate: float = 0.01,
        batch_size: int = 50,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            kind,
            latent_dim=latent_dim,
            options=options,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            random_state=random_state,
        )
        self.scaling = scaling

    def fit(self, X: Any, y: None = None) -> Self:
        """Standardise, and fit the network to all rows.

        X (n_rows, n_features): at least two of both, all finite.
        """
        if self.scaling not in SCALINGS:
            raise choice_error("scaling", self.scaling, SCALINGS)
        table = self._table(X, reset=True)
        self.mean_ = table.mean(axis=0, dtype=np.float64)
        self.scale_ = SCALINGS[self.scaling](table - self.mean_)
        generator = self._generator()
        network = self._network(table.shape[1], generator)
        rows = self._standardised(table)
        fit_all(
            network,
            self._fit_config(),
            lambda: batches(rows, self.batch_size, generator),
            generator=generator,
        )
        self.network_ = network
        return self

    def _network(self, n_features: int, generator: torch.Generator) -> Autoencoder:
        has_loss = "loss" in {field.name for field in fields(get_kind(self.kind).config)}
        network = self._build(n_features, generator, **({"loss": "squared"} if has_loss else {}))
        if not isinstance(network, Autoencoder) or not network.takes_dense:
            detail = (
                f"{self.kind} takes {get_kind(self.kind).subject} only, not rows of real values; "
                "docs/models.md marks the kinds that do."
            )
            raise ConfigError("kind", detail)
        if not LOSSES[network.loss_name].of_sizes:
            real = " or ".join(name for name, loss in LOSSES.items() if loss.of_sizes)
            detail = f"loss is {network.loss_name}; for rows of real values take {real}."
            raise ConfigError("loss", detail)
        return network.double()

    def _table(self, X: Any, *, reset: bool) -> Array:
        least = {"ensure_min_samples": 2, "ensure_min_features": 2} if reset else {}
        table: Array = validate_data(self, X, reset=reset, dtype=[np.float64, np.float32], **least)
        return table

    def _standardised(self, table: Array) -> Tensor:
        return torch.from_numpy((table - self.mean_) / self.scale_).double()

    def _rows(self, X: Any) -> Iterator[Tensor]:
        """The rows of a checked table as the network takes them, in batches."""
        check_is_fitted(self)
        return batches(self._standardised(self._table(X, reset=False)), CHUNK)


def batches(x: Tensor, size: int, generator: torch.Generator | None = None) -> Iterator[Tensor]:
    """All rows in batches, the last as small as it comes; shuffled when a generator is given."""
    n_rows = len(x)
    order = (
        torch.arange(n_rows) if generator is None else torch.randperm(n_rows, generator=generator)
    )
    for chosen in torch.split(order, size):
        yield x[chosen]
