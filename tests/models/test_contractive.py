"""That the contractive penalty is the norm of the Jacobian, however it is computed."""

from dataclasses import replace

import pytest
import torch

from models.autoencoders.contractive import ContractiveAutoencoder, ContractiveConfig
from models.autoencoders.jacobian import exact
from models.errors import ConfigError
from tests.models.conftest import checkerboard, fitted, rows_of, unsettled

SHALLOW = ContractiveConfig(latent_dim=6)
DEEP = ContractiveConfig(hidden_dims=(10, 7), latent_dim=4, activation="tanh")


def network(config: ContractiveConfig) -> ContractiveAutoencoder:
    generator = torch.Generator().manual_seed(0)
    built = ContractiveAutoencoder(config, n_items=8, generator=generator)
    return unsettled(built).double()  # type: ignore[return-value]


def rows() -> torch.Tensor:
    return checkerboard(8).double()


def contraction(config: ContractiveConfig, seed: int = 0) -> torch.Tensor:
    return network(config).contraction(rows_of(rows()), torch.Generator().manual_seed(seed))


def brute_force(config: ContractiveConfig) -> torch.Tensor:
    """Every entry of every row's Jacobian, by the layers' own arithmetic."""
    built = network(config)
    first, above = built.encoder[0], built.encoder[1:]

    def encode(row: torch.Tensor) -> torch.Tensor:
        return above(row @ first.weight + first.bias)

    unit = torch.nn.functional.normalize(rows())
    jacobians = [torch.autograd.functional.jacobian(encode, row) for row in unit]
    return torch.stack([each.square().sum() for each in jacobians])


@pytest.mark.parametrize("config", [SHALLOW, replace(SHALLOW, activation="tanh"), DEEP])
def test_the_penalty_is_the_squared_norm_of_the_jacobian(config: ContractiveConfig) -> None:
    assert torch.allclose(contraction(config), brute_force(config))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_closed_form_and_exact_agree_on_one_layer(activation: str) -> None:
    config = replace(SHALLOW, activation=activation)
    built = network(config)
    layer, sigma = built.encoder
    first = layer(built.read(rows_of(rows())))
    assert torch.allclose(contraction(config), exact(first, sigma(first), layer.weight))


@pytest.mark.parametrize("config", [SHALLOW, DEEP])
def test_the_estimate_agrees_with_the_exact_norm_within_its_own_error(
    config: ContractiveConfig,
) -> None:
    probes = replace(config, norm="hutchinson")
    estimates = torch.stack([contraction(probes, seed) for seed in range(400)])
    error = estimates.std(dim=0) / 20  # standard error of a mean of 400
    assert (error > 0).all()
    assert ((estimates.mean(dim=0) - contraction(config)).abs() < 4 * error).all()


def test_more_probes_vary_less() -> None:
    def spread(n_probes: int) -> float:
        config = replace(DEEP, norm="hutchinson", n_probes=n_probes)
        return torch.stack([contraction(config, seed) for seed in range(30)]).std(dim=0).sum()

    assert spread(16) < spread(1)


@pytest.mark.parametrize("norm", ["exact", "hutchinson"])
@pytest.mark.parametrize("config", [SHALLOW, DEEP, replace(DEEP, tied=False)])
def test_gradients_agree_with_finite_differences(config: ContractiveConfig, norm: str) -> None:
    built = network(replace(config, norm=norm, contraction_weight=1.0))  # type: ignore[arg-type]

    def loss(*_: torch.Tensor) -> torch.Tensor:
        return built.loss(rows_of(rows()), torch.Generator().manual_seed(1)).total

    assert torch.autograd.gradcheck(loss, tuple(built.parameters()))


def test_the_penalty_moves_with_its_weight() -> None:
    def penalty(weight: float) -> float:
        built = network(replace(SHALLOW, contraction_weight=weight))
        return built.loss(rows_of(rows()), torch.Generator()).penalty.item()

    assert penalty(0.0) == 0
    assert penalty(0.2) == pytest.approx(2 * penalty(0.1))


def test_a_contracted_code_moves_less() -> None:
    def norm(weight: float) -> float:
        trained = fitted("contractive", checkerboard(), epochs=60, contraction_weight=weight)
        assert isinstance(trained, ContractiveAutoencoder)
        return trained.contraction(rows_of(checkerboard()), torch.Generator()).mean().item()

    assert norm(1.0) < norm(0.0) / 2


def test_tied_weights_are_stored_once() -> None:
    tied, free = network(DEEP), network(replace(DEEP, tied=False))
    assert sum(p.numel() for p in tied.parameters()) < sum(p.numel() for p in free.parameters())
    assert [name for name in tied.state_dict() if "weight" in name] == [
        "encoder.0.weight",
        "encoder.2.weight",
        "encoder.4.weight",
    ]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"norm": "hutchison"}, "'hutchinson'"),
        ({"n_probes": 0}, "n_probes"),
        ({"contraction_weight": -1.0}, "negative"),
        ({"latent_dim": 0}, "at least 1"),
    ],
)
def test_an_impossible_option_is_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        ContractiveConfig(**options)  # type: ignore[arg-type]
