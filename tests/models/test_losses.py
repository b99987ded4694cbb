"""Losses against their formulas and against finite differences."""

import pytest
import torch
from torch.nn import functional as F

from models.autoencoders.losses import LOSSES, bernoulli, focal, gaussian, multinomial, squared
from models.rows import SparseRows


@pytest.fixture
def x() -> SparseRows:
    """Three rows of five items: two, none and one entry."""
    return SparseRows(
        torch.tensor([0, 2, 2, 3]), torch.tensor([0, 3, 4]), torch.tensor([1.0, 2.0, 1.0]), 5
    )


@pytest.fixture
def logits() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 5, generator=generator, dtype=torch.float64, requires_grad=True)


def test_multinomial_is_the_mean_over_rows_of_the_weighted_surprise(
    x: SparseRows, logits: torch.Tensor
) -> None:
    expected = -(x.to_dense() * F.log_softmax(logits, dim=1)).sum() / 3
    assert multinomial(logits, x).item() == pytest.approx(expected.item())


def test_bernoulli_is_the_mean_over_rows_of_the_summed_cross_entropy(
    x: SparseRows, logits: torch.Tensor
) -> None:
    p = torch.sigmoid(logits)
    dense = x.to_dense()
    expected = -(dense * p.log() + (1 - dense) * (1 - p).log()).sum() / 3
    assert bernoulli(logits, x).item() == pytest.approx(expected.item())


def test_squared_is_the_mean_over_rows_of_the_summed_squares(
    x: SparseRows, logits: torch.Tensor
) -> None:
    expected = (x.to_dense() - logits).square().sum() / 3
    assert squared(logits, x).item() == pytest.approx(expected.item())


def test_focal_is_the_cross_entropy_times_the_squared_error_of_its_probability(
    logits: torch.Tensor,
) -> None:
    ones = SparseRows(torch.tensor([0, 2, 2, 3]), torch.tensor([0, 3, 4]), torch.ones(3), 5)
    p, dense = torch.sigmoid(logits), ones.to_dense()
    # Lin et al. 2017, eq. 4: p_t is the probability of what is there.
    p_t = torch.where(dense == 1, p, 1 - p)
    expected = -((1 - p_t).square() * p_t.log()).sum() / 3
    assert focal(logits, ones).item() == pytest.approx(expected.item())


def test_gaussian_is_minus_the_log_density_under_unit_variance(
    x: SparseRows, logits: torch.Tensor
) -> None:
    density = torch.distributions.Normal(logits, 1.0)
    expected = -density.log_prob(x.to_dense().double()).sum() / 3
    assert gaussian(logits, x).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_finite_where_the_network_is_certain(name: str, x: SparseRows) -> None:
    far = torch.full((3, 5), 200.0, requires_grad=True)
    loss = LOSSES[name].of(far * torch.tensor([1, -1, 1, -1, 1]), x)  # type: ignore[index]
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(far.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_agree_with_finite_differences(
    name: str, x: SparseRows, logits: torch.Tensor
) -> None:
    loss = LOSSES[name].of  # type: ignore[index]
    assert torch.autograd.gradcheck(lambda values: loss(values, x), (logits,))


def test_multinomial_expects_each_rows_own_sum(x: SparseRows, logits: torch.Tensor) -> None:
    expected = LOSSES["multinomial"].expected(logits, x)
    assert expected.sum(dim=1).tolist() == pytest.approx([3.0, 0.0, 1.0])
