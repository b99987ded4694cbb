"""Principal components of evened-out rows, beside numpy's."""

import numpy as np
import pytest
import torch

from models.autoencoders.linear import LinearConfig, linear
from models.autoencoders.spectral import Spectral
from models.errors import ConfigError
from tests.models.conftest import rows_of
from tests.worlds import N_ITEMS, two_tastes


def table() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(60, 30, generator=generator) < 0.3).float()


def network(
    latent_dim: int | None = 4,
    *exponents: float,
    n_items: int = 30,
    seed: int = 1,
) -> Spectral:
    config = LinearConfig(form="spectral", latent_dim=latent_dim, item_exponent=exponents or (0.0,))
    made = linear(config, n_items=n_items, generator=torch.Generator().manual_seed(seed))
    assert isinstance(made, Spectral)
    return made


@pytest.mark.parametrize("exponent", [0.0, 0.25, 0.5])
def test_scores_are_those_of_the_first_eigenvectors(exponent: float) -> None:
    x = table()
    rows = x.double().numpy()
    rows = rows * (rows.sum(axis=1, keepdims=True) ** -0.25)
    rows = rows / np.linalg.norm(rows, axis=0)
    vectors = np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :4]
    solved = network(4, exponent)
    solved.solve(rows_of(x))
    scale = x.double().numpy().sum(axis=0) ** exponent
    expected = x.double().numpy() / scale @ vectors @ vectors.T * scale
    assert np.allclose(solved.logits(rows_of(x)).numpy(), expected, atol=1e-2)


@pytest.mark.parametrize("wanted", [8, 15])
def test_the_rank_is_the_judges_and_gives_the_same_when_it_is_named(wanted: int) -> None:
    x, free = rows_of(table()), network(None)
    free.solve(x, lambda: -abs(int((free.weight != 0).any(dim=0).sum()) - wanted))
    assert free.chosen == {"latent_dim": wanted, "item_exponent": [0.0]}
    named = network(wanted)
    named.solve(x)
    assert torch.equal(named.weight, free.weight)


def test_the_exponent_is_the_judges_and_gives_the_same_when_it_is_named() -> None:
    x = rows_of(table())
    named = network(4, 0.25)
    named.solve(x)
    free = network(4, 0.0, 0.25, 0.5)
    free.solve(x, lambda: -float((free.weight - named.weight).abs().max()))
    assert free.chosen == {"latent_dim": 4, "item_exponent": [0.25]}
    assert torch.equal(free.logits(x), named.logits(x))


def test_one_whose_weights_were_loaded_has_chosen_nothing_and_ranks_the_same() -> None:
    x, first, second = rows_of(table()), network(4, 0.25), network(4, 0.25, seed=2)
    first.solve(x)
    second.load_state_dict(first.state_dict())
    assert second.chosen == {}
    assert torch.equal(first.logits(x), second.logits(x))


def test_networks_of_before_there_was_an_exponent_still_load() -> None:
    x, now, then = rows_of(table()), network(4), network(4, seed=2)
    now.solve(x)
    kept = {"weight": now.state_dict()["weight"]}
    then.load_state_dict(kept)
    assert torch.equal(then.logits(x), now.logits(x))


@pytest.mark.parametrize("n_rows", [300, 12])
def test_where_nobody_judges_it_still_ranks_what_a_history_lacks(n_rows: int) -> None:
    x = torch.from_numpy(two_tastes(n_rows).x.toarray()).float()
    solved = network(None, n_items=N_ITEMS)
    solved.solve(rows_of(x))
    new = torch.from_numpy(two_tastes(100, seed=9).x.toarray()).float()
    logits = solved.logits(rows_of(new)).masked_fill(new > 0, -torch.inf)
    top = logits.topk(5).indices  # by chance half of them are of the user's taste
    own = torch.arange(100)[:, None] % 2
    assert (top % 2 == own).float().mean() > 0.85
    assert 2 * solved.chosen["latent_dim"] <= min(x.shape)


def test_with_fewer_users_than_the_rank_chance_has_no_part_in_it() -> None:
    rows = rows_of(table()[:6])
    first, second = network(20, seed=1), network(20, seed=2)
    first.solve(rows)
    second.solve(rows)
    assert int((first.weight != 0).any(dim=0).sum()) == 6
    everyone = rows_of(table())
    assert torch.allclose(first.logits(everyone), second.logits(everyone), atol=1e-4)


@pytest.mark.parametrize("latent_dim", [30, 31])
def test_a_rank_that_is_not_below_the_items_is_refused(latent_dim: int) -> None:
    with pytest.raises(ConfigError, match="Take at most 29") as refused:
        network(latent_dim)
    assert refused.value.field == "latent_dim"
