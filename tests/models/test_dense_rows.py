"""Dense rows of real values: the same losses, and named refusals where they cannot be used."""

import pytest
import torch

from models.autoencoders.losses import LOSSES
from models.catalog import build
from models.errors import RowsError
from models.fitting import FitConfig, fit_all
from models.rows import Rows
from models.scoring.anomaly import feature_errors
from tests.models.conftest import checkerboard, rows_of, small_network


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_dense_rows_is_that_of_the_same_rows_sparse(name: str) -> None:
    table = checkerboard(8)
    logits = torch.randn(table.shape, generator=torch.Generator().manual_seed(0))
    loss = LOSSES[name]  # type: ignore[index]
    assert loss.of(logits, table).item() == pytest.approx(loss.of(logits, rows_of(table)).item())
    assert torch.allclose(loss.expected(logits, table), loss.expected(logits, rows_of(table)))


def test_the_error_of_a_feature_is_squared() -> None:
    network = small_network("denoising", 8, loss="squared")
    table = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    errors = feature_errors(network, table)
    assert torch.allclose(errors, (table - network.reconstruct(table)).square())


@pytest.mark.parametrize("rows", [torch.ones(2, 7), rows_of(torch.ones(2, 7))])
def test_rows_of_another_width_are_refused_in_training(rows: Rows) -> None:
    network = small_network("denoising", 8)
    with pytest.raises(RowsError, match="7 columns, the network 8"):
        fit_all(network, FitConfig(epochs=1), lambda: [rows], generator=torch.Generator())


def test_a_kind_of_interactions_refuses_dense_rows() -> None:
    options = {"form": "elsa", "latent_dim": 2}
    network = build("linear", options, n_items=8, generator=torch.Generator())
    with pytest.raises(RowsError, match="sparse interactions only"):
        fit_all(
            network, FitConfig(epochs=1), lambda: [torch.ones(2, 8)], generator=torch.Generator()
        )
