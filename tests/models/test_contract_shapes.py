"""What every kind that learns from images or signals must do; a new kind is found by itself."""

import json
from math import prod

import pytest
import torch
from torch import Tensor

from models.autoencoders.base import Network
from models.catalog import KINDS, build, check_subject, config_values, kinds_of, make_config
from models.errors import ConfigError, RowsError
from models.fitting import FitConfig, Fitting
from models.rows import SparseRows
from tests.models.conftest import assert_goes_on_to_the_same_weights

SMALL = {
    "convolutional": {"shape": [1, 14, 14], "latent_dim": 6},
    "sequence": {"shape": [2, 32], "latent_dim": 6},
    "volume": {"shape": [1, 8, 8, 8], "latent_dim": 6},
}
"""Options of each kind, for rows that are quick to learn."""

pytestmark = pytest.mark.parametrize("kind", SMALL)


def small_network(kind: str, seed: int = 0, **options: object) -> Network:
    """A fresh network of the kind, with some options besides; unfitted."""
    values = {**SMALL[kind], **options}
    generator = torch.Generator().manual_seed(seed)
    return build(kind, values, n_items=prod(values["shape"]), generator=generator)


def patterns(kind: str, count: int = 160, seed: int = 1) -> Tensor:
    """Rows of two flat waves each, within 0 and 1, (count, n_items)."""
    generator = torch.Generator().manual_seed(seed)
    channels, *space = SMALL[kind]["shape"]
    x = torch.full((count, channels, *space), 0.5)
    for axis, n in enumerate(space):
        phase = torch.rand(count, 1, generator=generator)
        wave = torch.sin(2 * torch.pi * (phase + torch.arange(n) / n)) / (2 * len(space))
        x += wave.reshape(count, 1, *(n if each == axis else 1 for each in range(len(space))))
    return x.flatten(1)


def fitted(kind: str, epochs: int, seed: int = 0) -> Network:
    """A small network fitted to the patterns, which gave way to no other draw than its own."""
    network = small_network(kind, seed)
    config = FitConfig(epochs=epochs, learning_rate=0.01)
    fitting = Fitting(network, config, generator=torch.Generator().manual_seed(seed))
    for _ in range(epochs):
        fitting.run_epoch(lambda: patterns(kind).split(16))
    return network


def test_every_kind_of_the_catalog_is_here(kind: str) -> None:
    assert set(SMALL) == set(KINDS) - set(kinds_of("interactions"))


def test_config_survives_json(kind: str) -> None:
    for options in ({}, SMALL[kind], {"encoder_options": {"grid": 2}}):
        config = make_config(kind, options)
        assert make_config(kind, json.loads(json.dumps(config_values(config)))) == config


def test_misspelt_option_is_refused_and_the_nearest_named(kind: str) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'latent_dim'"):
        make_config(kind, {"latent_dims": 3})


def test_it_is_not_for_interactions_and_says_what_is(kind: str) -> None:
    with pytest.raises(ConfigError, match=f"{kind} learns from .*take one of: undercomplete"):
        check_subject(kind, "interactions")
    with pytest.raises(ConfigError, match=rf"denoising learns from interactions.*{kind}"):
        check_subject("denoising", KINDS[kind].subject)


def test_shapes_are_those_of_the_batch(kind: str) -> None:
    network, x = small_network(kind).eval(), patterns(kind, 3)
    assert network.logits(x).shape == x.shape
    assert network.reconstruct(x).shape == x.shape
    assert network.item_embeddings() is None
    assert network.user_embeddings(x, "decoder") is None
    assert network.user_embeddings(x, "code").shape == (3, SMALL[kind]["latent_dim"])


@pytest.mark.parametrize("shape", [[], [8], [0, 8], [1, -3], [1, 2.5], ["a", 8], 28])
def test_a_shape_that_is_none_is_named(kind: str, shape: object) -> None:
    with pytest.raises(ConfigError, match="shape .*must be") as raised:
        make_config(kind, {"shape": shape})
    assert raised.value.field == "shape"


def test_rows_of_another_length_or_without_a_number_are_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match="set shape"):
        build(kind, SMALL[kind], n_items=7, generator=torch.Generator())
    with pytest.raises(RowsError, match="7 columns"):
        small_network(kind).check(torch.zeros(1, 7))


def test_every_parameter_gets_a_gradient(kind: str) -> None:
    network = small_network(kind).train()
    (phase,) = network.phases()
    (each,) = phase.passes
    each.loss(patterns(kind, 4), torch.Generator().manual_seed(1)).total.backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []
    assert set(each.parameters) == set(network.parameters())


def test_sparse_rows_and_dense_ones_are_answered_alike(kind: str) -> None:
    network, x = small_network(kind).eval(), patterns(kind, 3)
    lengths = torch.arange(4) * x.shape[1]
    columns = torch.arange(x.shape[1]).repeat(3)
    sparse = SparseRows(lengths, columns, x.flatten(), x.shape[1])
    assert torch.equal(network.logits(sparse), network.logits(x))


def test_evaluation_is_the_same_again_and_for_any_batch_size(kind: str) -> None:
    network, x = fitted(kind, epochs=1), patterns(kind, 5)
    whole = network.logits(x)
    assert torch.equal(network.logits(x), whole)
    alone = torch.cat([network.logits(row[None]) for row in x])
    assert torch.allclose(whole, alone, atol=1e-4)


def test_same_seed_gives_the_same_weights_and_draws_nothing_hidden(kind: str) -> None:
    before = torch.get_rng_state()
    first, second = (fitted(kind, epochs=1, seed=5) for _ in range(2))
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert torch.equal(before, torch.get_rng_state())


def test_weights_and_config_give_the_same_network_back(kind: str) -> None:
    network, x = fitted(kind, epochs=1), patterns(kind, 3)
    copy = small_network(kind, seed=99).eval()
    copy.load_state_dict(network.state_dict())
    assert torch.equal(copy.logits(x), network.logits(x))


def test_one_row_and_one_more_than_a_batch_both_train(kind: str) -> None:
    fitting = Fitting(small_network(kind), FitConfig(), generator=torch.Generator().manual_seed(0))
    assert fitting.run_epoch(lambda: patterns(kind, 1).split(4)).reconstruction > 0
    assert fitting.run_epoch(lambda: patterns(kind, 5).split(4)).reconstruction > 0


def test_a_fit_goes_on_from_its_saved_state_to_the_same_weights(kind: str) -> None:
    def start() -> Fitting:
        return Fitting(
            small_network(kind, corruption_rate=0.2),
            FitConfig(),
            generator=torch.Generator().manual_seed(0),
        )

    assert_goes_on_to_the_same_weights(start, patterns(kind, 8), epochs=1)


def test_unseen_rows_are_rebuilt_far_better_than_by_the_mean(kind: str) -> None:
    network, mean = fitted(kind, epochs=30), patterns(kind).mean(dim=0)
    for seed in (7001, 7301):  # others than those with which the network was chosen
        unseen = patterns(kind, seed=seed)
        with torch.inference_mode():
            error = (network.reconstruct(unseen) - unseen).square().mean()
        assert error < 0.4 * (unseen - mean).square().mean()
