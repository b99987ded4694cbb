"""Principal components of evened-out rows, beside numpy's."""

import numpy as np
import pytest
import torch

from models.autoencoders.linear import LinearConfig, linear
from models.autoencoders.spectral import Spectral
from models.errors import ConfigError
from tests.models.conftest import rows_of


def table() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(60, 30, generator=generator) < 0.3).float()


def network(latent_dim: int | None = 4) -> Spectral:
    config = LinearConfig(form="spectral", latent_dim=latent_dim)
    made = linear(config, n_items=30, generator=torch.Generator().manual_seed(1))
    assert isinstance(made, Spectral)
    return made


def test_scores_are_those_of_the_first_eigenvectors() -> None:
    x = table()
    rows = x.double().numpy()
    rows = rows * (rows.sum(axis=1, keepdims=True) ** -0.25)
    rows = rows / np.linalg.norm(rows, axis=0)
    vectors = np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :4]
    solved = network()
    solved.solve(rows_of(x))
    expected = x.double().numpy() @ vectors @ vectors.T
    assert np.allclose(solved.logits(rows_of(x)).numpy(), expected, atol=1e-2)


@pytest.mark.parametrize("wanted", [16, 30])
def test_the_rank_is_the_judges_and_gives_the_same_when_it_is_named(wanted: int) -> None:
    x, free = rows_of(table()), network(None)
    free.solve(x, lambda: -abs(int((free.weight != 0).any(dim=0).sum()) - wanted))
    assert free.chosen == {"latent_dim": wanted}
    named = network(wanted)
    named.solve(x)
    assert torch.equal(named.weight, free.weight)


def test_a_rank_above_the_most_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most 30"):
        network(31)
