"""That the deep autoencoder is deep, and what tying and re-feeding mean."""

from dataclasses import replace

import pytest
import torch

from models.autoencoders.deep import DeepAutoencoder, DeepConfig
from models.autoencoders.losses import LOSSES
from models.errors import ConfigError
from models.scoring.ranking import mask, top_n
from tests.models.conftest import checkerboard, fitted, rows_of, unsettled

SMALL = DeepConfig(hidden_dims=(12, 9, 7), latent_dim=5, dropout_rate=0.0)


def network(config: DeepConfig) -> DeepAutoencoder:
    generator = torch.Generator().manual_seed(0)
    return DeepAutoencoder(config, n_items=20, generator=generator)


def n_parameters(config: DeepConfig) -> int:
    return sum(p.numel() for p in network(config).parameters())


def test_the_decoder_mirrors_the_encoder() -> None:
    deep = network(SMALL)
    shapes = [layer.weight.shape for layer in (*deep.encoder[::2], *deep.decoder[::2])]
    assert shapes == [(20, 12), (9, 12), (7, 9), (5, 7), (7, 5), (9, 7), (12, 9)]
    assert deep.output.weight.shape == (20, 12)


@pytest.mark.parametrize("hidden_dims", [(8, 8, 8), (8, 8, 8, 8)])
@pytest.mark.parametrize("tied", [True, False])
def test_four_and_five_layers_a_side_solve_the_checkerboard(
    hidden_dims: tuple[int, ...], tied: bool
) -> None:
    table = checkerboard()
    x = rows_of(table)
    options = {"hidden_dims": [24, *hidden_dims[1:]], "tied": tied, "dropout_rate": 0.0}
    deep = fitted("deep", table, epochs=150, **options)
    _, best = top_n(mask(deep.logits(x).detach(), x), 1)
    assert (best[:, 0] == torch.arange(20)).float().mean() >= 0.9


class TestTied:
    def test_weights_are_stored_once_and_biases_are_a_sides_own(self) -> None:
        weights = 20 * 12 + 12 * 9 + 9 * 7 + 7 * 5
        assert n_parameters(SMALL) - n_parameters(replace(SMALL, tied=True)) == weights
        stored = network(replace(SMALL, tied=True)).state_dict()
        assert sum("weight" in name for name in stored) == 4
        assert sum("bias" in name for name in stored) == 8

    def test_the_decoder_reads_the_encoders_weights_transposed(self) -> None:
        deep = unsettled(network(replace(SMALL, tied=True)))
        assert torch.equal(deep.output.weight, deep.encoder[0].weight)
        assert torch.equal(deep.decoder[0].weight, deep.encoder[6].weight.T)

    def test_gradients_agree_with_finite_differences(self) -> None:
        deep = unsettled(network(replace(SMALL, tied=True))).double()
        x = rows_of(checkerboard().double())

        def loss(*_: torch.Tensor) -> torch.Tensor:
            return deep.loss(x, torch.Generator().manual_seed(0)).total

        assert torch.autograd.gradcheck(loss, tuple(deep.parameters()))


class TestRefeeding:
    def test_the_penalty_is_the_loss_of_the_reconstruction_fed_in_again(self) -> None:
        deep = unsettled(network(replace(SMALL, refeeding_weight=1.0, loss="squared")))
        x = rows_of(checkerboard())
        y = deep.reconstruct(x).detach()
        expected = LOSSES["squared"].of(deep.logits(y), y)
        penalty = deep.loss(x, torch.Generator()).penalty
        assert penalty.item() == pytest.approx(expected.item(), rel=1e-5)

    @pytest.mark.parametrize("loss", LOSSES)
    def test_the_penalty_moves_with_its_weight(self, loss: str) -> None:
        def penalty(weight: float) -> float:
            config = replace(SMALL, refeeding_weight=weight, loss=loss)  # type: ignore[arg-type]
            return network(config).loss(rows_of(checkerboard()), torch.Generator()).penalty.item()

        assert penalty(0.0) == 0
        assert penalty(2.0) == pytest.approx(2 * penalty(1.0))

    def test_refeeding_brings_the_network_nearer_to_a_fixed_point(self) -> None:
        def movement(weight: float) -> float:
            options = {"latent_dim": 2, "loss": "squared", "dropout_rate": 0.0}
            deep = fitted("deep", noise, epochs=100, refeeding_weight=weight, **options)
            y = deep.reconstruct(rows_of(noise)).detach()
            return (deep.reconstruct(y) - y).square().mean().item()

        noise = torch.bernoulli(torch.full((20, 20), 0.4), generator=torch.Generator())
        assert movement(3.0) < movement(0.0) / 2


def test_dropout_hides_units_of_the_code_in_training_only() -> None:
    deep, x = network(replace(SMALL, dropout_rate=0.8)), rows_of(checkerboard())
    losses = {deep.loss(x, torch.Generator().manual_seed(seed)).total.item() for seed in (1, 1, 2)}
    assert len(losses) == 2
    assert torch.equal(deep.logits(x), deep.logits(x))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"hidden_dims": ()}, "two layers"),
        ({"hidden_dims": (3, 0)}, "at least 1"),
        ({"dropout_rate": 1.0}, "dropout_rate"),
        ({"refeeding_weight": -1.0}, "negative"),
        ({"activation": "sellu"}, "'selu'"),
    ],
)
def test_an_impossible_option_is_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        DeepConfig(**options)  # type: ignore[arg-type]
