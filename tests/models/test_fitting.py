"""The training loop and its options."""

from collections.abc import Iterator

import pytest
import torch

from models.errors import ConfigError
from models.fitting import FitConfig, Fitting
from models.rows import SparseRows
from tests.models.conftest import checkerboard, rows_of, small_network


@pytest.mark.parametrize("optimiser", ["sgd", "adamw", "nadam"])
def test_the_loss_falls(optimiser: str) -> None:
    config = FitConfig(optimiser=optimiser, learning_rate=0.05)  # type: ignore[arg-type]
    network = small_network("denoising", 20)
    fitting = Fitting(network, config, generator=torch.Generator().manual_seed(0))
    losses = [
        fitting.run_epoch(lambda: [rows_of(checkerboard())]).reconstruction for _ in range(30)
    ]
    assert losses[-1] < losses[0]


def test_weight_decay_shrinks_the_weights() -> None:
    def norm(weight_decay: float) -> float:
        network = small_network("denoising", 20)
        config = FitConfig(weight_decay=weight_decay, learning_rate=0.01)
        fitting = Fitting(network, config, generator=torch.Generator().manual_seed(0))
        for _ in range(10):
            fitting.run_epoch(lambda: [rows_of(checkerboard())])
        return network.output.weight.detach().norm().item()

    assert norm(5.0) < norm(0.0)


def test_a_pass_reckons_gradients_of_what_it_moves_alone() -> None:
    network = small_network("variational", 20, form="recvae")
    fitting = Fitting(network, FitConfig(), generator=torch.Generator().manual_seed(0))
    tracked = [parameter.requires_grad for parameter in network.parameters()]
    seen = []

    def batches() -> Iterator[SparseRows]:
        seen.append([parameter.requires_grad for parameter in network.output.parameters()])
        yield rows_of(checkerboard())

    fitting.run_epoch(batches)
    assert seen == [[False, False]] * 3 + [[True, True]]
    assert [parameter.requires_grad for parameter in network.parameters()] == tracked


def test_a_loss_that_is_not_a_number_stops_the_fit() -> None:
    network = small_network("denoising", 20)
    with torch.no_grad():
        network.output.bias.fill_(torch.nan)
    fitting = Fitting(network, FitConfig(), generator=torch.Generator())
    with pytest.raises(FloatingPointError, match="learning rate"):
        fitting.run_epoch(lambda: [rows_of(checkerboard())])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("patience", 0),
        ("learning_rate", 0.0),
        ("weight_decay", -1),
    ],
)
def test_an_impossible_option_is_named(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=field):
        FitConfig(**{field: value})  # type: ignore[arg-type]


def test_an_unknown_optimiser_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="adamw, nadam, sgd"):
        FitConfig(optimiser="adam")  # type: ignore[arg-type]
