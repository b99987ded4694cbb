"""That a sparse autoencoder is wide, and uses little of its width."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.autoencoders.sparse import SparseAutoencoder, SparseConfig, distance, keep_largest
from models.errors import ConfigError
from models.rows import unit_rows
from tests.models.conftest import checkerboard, fitted, rows_of, small_network, unsettled

tables = st.integers(2, 8).flatmap(
    lambda width: st.lists(
        st.lists(st.sampled_from([-1.0, 0.5, 1.0, 2.0]), min_size=width, max_size=width),
        min_size=1,
        max_size=4,
    )
)


def network(n_items: int = 20, **options: object) -> SparseAutoencoder:
    config = SparseConfig(**{"hidden_dims": (), **options})  # type: ignore[arg-type]
    return SparseAutoencoder(config, n_items=n_items, generator=torch.Generator().manual_seed(0))


@given(tables, st.data())
def test_exactly_k_are_kept_also_with_ties_and_none_larger_is_left(
    values: list[list[float]], data: st.DataObject
) -> None:
    activations = torch.tensor(values)
    k = data.draw(st.integers(1, activations.shape[1]))
    kept = keep_largest(activations, k)
    assert (kept != 0).sum(dim=1).tolist() == [k] * len(values)
    for row, left in zip(activations, kept, strict=True):
        assert sorted(left[left != 0].tolist()) == sorted(row.tolist())[-k:]


def test_a_row_is_decoded_from_k_units_of_a_code_wider_than_the_input() -> None:
    x = rows_of(checkerboard())
    code = unsettled(network(k=3)).encode(x)
    assert code.shape[1] > 20
    assert (code != 0).sum(dim=1).tolist() == [3] * 20


def test_units_that_are_not_kept_get_no_gradient() -> None:
    sparse = unsettled(network(k=1))
    x = rows_of(checkerboard()[:1])
    sparse.loss(x, torch.Generator()).total.backward()
    used = sparse.encode(x)[0] != 0
    gradient = sparse.output.weight.grad
    assert gradient is not None
    assert torch.equal((gradient != 0).any(dim=0), used)


def test_without_a_hidden_layer_the_code_is_linear_as_in_the_paper() -> None:
    sparse = unsettled(network(k=3))
    x = rows_of(checkerboard())
    layer = sparse.encoder[0]
    linear = unit_rows(x).to_dense() @ layer.weight + layer.bias
    assert torch.allclose(sparse.encode(x), keep_largest(linear, 3), atol=1e-6)


@pytest.mark.parametrize("latent_dim", [20, 3])
def test_a_code_no_wider_than_the_input_is_refused(latent_dim: int) -> None:
    with pytest.raises(ConfigError, match="at least 21") as error:
        network(latent_dim=latent_dim)
    assert error.value.field == "latent_dim"


def test_a_k_that_leaves_nothing_out_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most 29"):
        network(latent_dim=30, k=30)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"form": "ksparse"}, "k-sparse"),
        ({"form": "kl", "k": 3}, "sparsity_target"),
        ({"k": 0}, "at least 1"),
        ({"sparsity_target": 0.0}, "between 0 and 1"),
        ({"sparsity_weight": float("nan")}, "negative"),
        ({"latent_dim": 0}, "at least 1"),
    ],
)
def test_an_impossible_option_is_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        SparseConfig(**options)  # type: ignore[arg-type]


class TestKl:
    def test_distance_is_the_divergence_of_two_coins(self) -> None:
        rho, mean = 0.05, torch.tensor([0.05, 0.5], dtype=torch.float64)
        expected = 0.05 * torch.tensor(0.1).log() + 0.95 * torch.tensor(1.9).log()
        assert distance(rho, mean).tolist() == pytest.approx([0.0, expected.item()])

    def test_a_saturated_unit_costs_a_finite_amount(self) -> None:
        assert torch.isfinite(distance(0.05, torch.tensor([0.0, 1.0]))).all()

    def test_the_penalty_moves_with_its_weight_and_its_target(self) -> None:
        def penalty(**options: object) -> float:
            sparse = network(form="kl", **options)
            return sparse.loss(rows_of(checkerboard()), torch.Generator()).penalty.item()

        assert penalty(sparsity_weight=0.0) == 0
        assert penalty(sparsity_weight=0.2) == pytest.approx(2 * penalty(sparsity_weight=0.1))
        assert penalty(sparsity_target=0.5) < penalty(sparsity_target=0.05)

    def test_training_brings_the_mean_activation_towards_the_target(self) -> None:
        def mean(weight: float) -> float:
            options = {"form": "kl", "k": None, "sparsity_weight": weight}
            trained = fitted("sparse", checkerboard(), epochs=60, **options)
            return trained.encode(rows_of(checkerboard())).mean().item()

        assert abs(mean(1.0) - 0.05) < 0.03
        assert mean(0.0) > 0.2

    def test_gradients_agree_with_finite_differences(self) -> None:
        sparse = unsettled(small_network("sparse", 6, form="kl", k=None)).double()
        x = rows_of(checkerboard(6).double())

        def penalty(*_: torch.Tensor) -> torch.Tensor:
            return sparse.penalty(sparse.encode(x))

        assert torch.autograd.gradcheck(penalty, tuple(sparse.encoder.parameters()))

    def test_one_row_alone_trains(self) -> None:
        sparse = network(form="kl")
        terms = sparse.loss(rows_of(checkerboard()[:1]), torch.Generator())
        assert torch.isfinite(terms.total)
