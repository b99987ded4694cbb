"""Losses against their formulas and against finite differences."""

import pytest
import torch
from torch.nn import functional as F

from models.autoencoders.losses import (
    LOSSES,
    bernoulli,
    focal,
    gaussian,
    multinomial,
    squared,
    wide_loss,
)
from models.precision import PrecisionName, precision
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


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_products_agrees_with_finite_differences(name: str, x: SparseRows) -> None:
    parts = [
        torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((3, 2), (5, 2), 5)
    ]
    x = SparseRows(x.offsets, x.indices, x.values.double(), 5)
    assert torch.autograd.gradcheck(lambda *given: 3 * wide_loss(name, *given, x), parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("digits", ["float32", "bfloat16"])
def test_a_multinomial_loss_of_products_is_that_of_their_logits(
    digits: PrecisionName, x: SparseRows
) -> None:
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(shape, generator=generator) for shape in ((3, 2), (5, 2), (5,))]
    ours, theirs = ([part.clone().requires_grad_() for part in parts] for _ in range(2))
    with precision(digits):
        loss = wide_loss("multinomial", *ours, x)
    hidden, weight, bias = theirs
    expected = multinomial(hidden @ weight.T + bias, x)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6 if digits == "float32" else 0.02)
    loss.backward()
    expected.backward()
    for mine, their in zip(ours, theirs, strict=True):
        error = (mine.grad - their.grad).norm() / their.grad.norm()
        assert error < (1e-5 if digits == "float32" else 0.02)
