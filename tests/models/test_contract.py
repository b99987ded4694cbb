"""What every kind that learns from interactions must do; a new kind is found by itself."""

import json
from dataclasses import fields

import pytest
import torch

from models.autoencoders.base import Network, Pass
from models.autoencoders.losses import LOSSES
from models.catalog import build, config_values, kinds_of, make_config
from models.errors import ConfigError
from models.fitting import FitConfig, Fitting
from models.rows import SparseRows
from models.scoring.anomaly import Scale, score_row
from models.scoring.ranking import mask, top_n
from models.scoring.surprise import fit_temperature
from tests.models.conftest import (
    SMALL,
    assert_goes_on_to_the_same_weights,
    checkerboard,
    fitted,
    kind_of,
    rows_of,
    small_network,
    unsettled,
)

pytestmark = pytest.mark.parametrize("kind", SMALL)

TABLE = torch.tensor([[1.0, 0, 1, 0, 0, 1], [0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])


def test_every_kind_of_the_catalog_is_here(kind: str) -> None:
    assert {kind_of(case) for case in SMALL} == set(kinds_of("interactions"))


def passes_of(network: Network) -> list[Pass]:
    """Every pass of every phase."""
    return [each for phase in network.phases() for each in phase.passes]


def test_default_config_survives_json(kind: str) -> None:
    for options in ({}, SMALL[kind]):
        config = make_config(kind_of(kind), options)
        assert make_config(kind_of(kind), json.loads(json.dumps(config_values(config)))) == config


def test_misspelt_option_is_refused_and_the_nearest_named(kind: str) -> None:
    name = fields(make_config(kind_of(kind), {}))[0].name
    with pytest.raises(ConfigError, match=f"Did you mean '{name}'"):
        make_config(kind_of(kind), {f"{name}x": 3})


def test_shapes_are_those_of_the_batch(kind: str) -> None:
    network, x = small_network(kind, 6), rows_of(TABLE)
    assert network.logits(x).shape == (3, 6)
    assert network.reconstruct(x).shape == (3, 6)
    items, users = network.item_embeddings(), network.user_embeddings(x, "decoder")
    assert (items is None) == (users is None)
    if items is not None:
        assert users.shape == (3, items.shape[1])
    code = network.user_embeddings(x, "code")
    assert code is None or code.shape[0] == 3


def test_dot_product_of_decoder_embeddings_plus_bias_is_the_logit(kind: str) -> None:
    network, x = small_network(kind, 6), rows_of(TABLE)
    users, items = network.user_embeddings(x, "decoder"), network.item_embeddings()
    if items is None:
        pytest.skip("it has no item embeddings")
    logits = users @ items.T + network.item_biases()
    unseen = TABLE == 0  # of items that a row has, some leave the own out
    assert torch.allclose(logits[unseen], network.logits(x)[unseen], atol=1e-5)


def test_every_parameter_gets_a_gradient_in_a_phase_that_trains_it(kind: str) -> None:
    network = small_network(kind, 6)
    trained = set()
    for each in passes_of(network):
        network.zero_grad()
        each.loss(rows_of(TABLE), torch.Generator().manual_seed(1)).total.backward()
        for parameter in each.parameters:
            assert parameter.grad is not None
            assert parameter.grad.abs().sum() > 0
        trained.update(each.parameters)
    assert trained == {each for each in network.parameters() if each.requires_grad}


def test_gradients_agree_with_finite_differences(kind: str) -> None:
    network, x = unsettled(small_network(kind, 6)).double(), rows_of(TABLE.double())
    for each in passes_of(network):

        def loss(*_: torch.Tensor, each: Pass = each) -> torch.Tensor:
            return each.loss(x, torch.Generator().manual_seed(1)).total

        assert torch.autograd.gradcheck(loss, each.parameters)


def test_an_empty_row_gives_finite_output(kind: str) -> None:
    assert torch.isfinite(small_network(kind, 6).reconstruct(rows_of(TABLE))).all()


def test_evaluation_is_the_same_for_any_batch_size(kind: str) -> None:
    network = fitted(kind, checkerboard(), epochs=3)
    table = checkerboard()
    alone = torch.cat([network.logits(rows_of(row[None])) for row in table])
    assert torch.allclose(network.logits(rows_of(table)), alone, atol=1e-5)


def test_same_seed_gives_the_same_weights(kind: str) -> None:
    first, second = (fitted(kind, checkerboard(), epochs=3, seed=5) for _ in range(2))
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name


def test_weights_and_config_give_the_same_network_back(kind: str) -> None:
    network = fitted(kind, checkerboard(), epochs=3)
    copy = build(
        kind_of(kind), SMALL[kind], n_items=20, generator=torch.Generator().manual_seed(99)
    )
    copy.load_state_dict(network.state_dict())
    x = rows_of(checkerboard())
    assert torch.equal(copy.logits(x), network.logits(x))


def test_one_row_and_one_more_than_a_batch_both_train(kind: str) -> None:
    network = small_network(kind, 6)
    if not network.phases():
        pytest.skip("it is solved, not trained")
    fitting = Fitting(network, FitConfig(), generator=torch.Generator().manual_seed(0))
    one, three = rows_of(TABLE[:1]), rows_of(TABLE)
    assert fitting.run_epoch(lambda: [one]).reconstruction > 0
    assert fitting.run_epoch(lambda: [three, one]).reconstruction > 0


def test_a_fit_goes_on_from_its_saved_state_to_the_same_weights(kind: str) -> None:
    def start() -> Fitting:
        return Fitting(
            small_network(kind, 20), FitConfig(), generator=torch.Generator().manual_seed(0)
        )

    x = rows_of(checkerboard())
    if not small_network(kind, 20).phases():
        pytest.skip("it is solved, not trained")
    assert_goes_on_to_the_same_weights(start, x, epochs=2)


def test_the_checkerboard_is_solved(kind: str) -> None:
    table = checkerboard()
    network = fitted(kind, table, epochs=150)
    if LOSSES[network.loss_name].of_observed:
        pytest.skip("of ratings that are all the same nothing can be learned")
    x = rows_of(table)
    _, best = top_n(mask(network.logits(x).detach(), x), 1)
    hits = best[:, 0] == torch.arange(len(table))
    assert hits.float().mean() >= 0.9


def test_contributions_sum_to_the_anomaly_score(kind: str) -> None:
    network = fitted(kind, checkerboard(), epochs=20)
    for row in checkerboard():
        scored = score_row(network, rows_of(row[None]), Scale())
        assert float(scored.contributions.sum()) == pytest.approx(scored.score, rel=1e-5)


def test_a_row_against_the_pattern_is_stranger_than_one_that_follows_it(kind: str) -> None:
    network = fitted(kind, checkerboard(), epochs=150)
    if LOSSES[network.loss_name].of_observed:
        pytest.skip("of ratings that are all the same nothing can be learned")
    follows = checkerboard()[0]
    strange = follows.clone()
    strange[[2, 7]] = torch.tensor([0.0, 1.0])
    temperature = fit_temperature(
        network, rows_of(checkerboard()), generator=torch.Generator().manual_seed(0)
    )
    rows = (rows_of(row[None]) for row in (strange, follows))
    odd, even = (score_row(network, row, Scale(temperature)).score for row in rows)
    assert odd > even


def test_an_empty_row_is_not_strange(kind: str) -> None:
    nothing = SparseRows(
        torch.tensor([0, 0]), torch.tensor([], dtype=torch.int64), torch.ones(0), 6
    )
    assert score_row(small_network(kind, 6), nothing, Scale()).score == 0
