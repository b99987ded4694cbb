"""Recommendation from a sparse matrix of users x items. Not the service: no ids, no storage."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import torch
from scipy import sparse
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data
from torch import Tensor

from models.catalog import check_subject
from models.errors import ConfigError, RowsError
from models.estimators.base import CHUNK, Array, NetworkEstimator
from models.fitting import fit_all
from models.rows import Csr, SparseRows, to_rows
from models.scoring.ranking import mask, top_n


class AutoencoderRecommender(NetworkEstimator):
    """Users' rows, CSR or dense and never negative, to items that they do not have yet.

    A user needs no place in the training rows: any row of the same items gets an answer.
    """

    def __init__(
        self,
        kind: str = "denoising",
        *,
        latent_dim: int | None = None,
        options: Mapping[str, Any] | None = None,
        epochs: int = 50,
        learning_rate: float = 1e-3,
        batch_size: int = 100,
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

    def fit(self, X: Any, y: None = None) -> Self:
        """Fit the network to all rows, X (n_users, n_items): at least two of both, one entry."""
        x = self._matrix(X, reset=True, ensure_min_samples=2, ensure_min_features=2)
        if not x.nnz:
            raise RowsError("The rows are all empty: there is nothing to learn from.")
        check_subject(self.kind, "interactions")
        generator = self._generator()
        network = self._build(x.shape[1], generator)
        network.prepare(to_rows(x))
        config = self._fit_config()
        if network.phases():
            table = sparse.csr_array(x.T) if network.trains_on_items else x
            fit_all(
                network,
                config,
                lambda: _batches(table, config.batch_size, generator),
                generator=generator,
            )
        network.solve(to_rows(x))
        self.network_ = network.eval()
        return self

    def predict(self, X: Any) -> Array:
        """What each row should look like, the items that it has included: (n_users, n_items)."""
        check_is_fitted(self)
        x = self._matrix(X, reset=False)
        with torch.inference_mode():
            rows = [self.network_.reconstruct(rows) for rows in _batches(x, CHUNK)]
        expected: Array = torch.cat(rows).numpy()
        return expected

    def recommend(
        self,
        X: Any,
        n: int = 10,
        *,
        exclude_seen: bool = True,
    ) -> tuple[Array, Array]:
        """The n best items of each row, best first, and their scores: both (n_users, n).

        Without those that the row has, unless `exclude_seen` is False. Where a row has no n left,
        item number -1 with the score minus infinity; more than there are items gives all.
        """
        check_is_fitted(self)
        if n < 1:
            raise ConfigError("n", f"n is {n}; it must be at least 1.")
        x = self._matrix(X, reset=False)
        best = [self._best(rows, n, exclude_seen) for rows in _batches(x, CHUNK)]
        scores, item_nums = (torch.cat(part) for part in zip(*best, strict=True))
        return torch.where(scores == -torch.inf, -1, item_nums).numpy(), scores.numpy()

    def _best(self, rows: SparseRows, n: int, exclude_seen: bool) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            scores = self.network_.logits(rows)
            return top_n(mask(scores, rows) if exclude_seen else scores, n)

    def _matrix(self, X: Any, **options: Any) -> Csr:
        checked = validate_data(self, X, accept_sparse="csr", dtype=np.float32, **options)
        check_non_negative(checked, type(self).__name__)
        x: Csr = sparse.csr_array(checked, copy=True)
        x.sum_duplicates()
        x.eliminate_zeros()
        return x

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        return tags


def _batches(x: Csr, size: int, generator: torch.Generator | None = None) -> Iterator[SparseRows]:
    """All rows in batches, the last as small as it comes; shuffled when a generator is given."""
    n_rows = int(x.shape[0])
    order = (
        torch.arange(n_rows) if generator is None else torch.randperm(n_rows, generator=generator)
    )
    for chosen in torch.split(order, size):
        yield to_rows(x[chosen.numpy()])
