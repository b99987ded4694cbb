"""Closed forms against numpy, low rank against its definition, and what does not fit."""

import numpy as np
import pytest
import torch

from models import closed_form
from models.autoencoders.linear import FullRank, LinearConfig, LowRank, linear
from models.autoencoders.search import best_of
from models.errors import ConfigError
from models.rows import SparseRows
from tests.models.conftest import checkerboard, rows_of


def table(n_rows: int, n_items: int) -> torch.Tensor:
    """Random ones and twos."""
    generator = torch.Generator().manual_seed(0)
    ones = torch.rand(n_rows, n_items, generator=generator) < 0.4
    return ones * (1.0 + (torch.rand(n_rows, n_items, generator=generator) < 0.2))


def by_definition(x: torch.Tensor, ridge: float, corruption_rate: float = 0.0) -> np.ndarray:
    """B = I - P diag(1 / diag P), as the papers have it, by numpy's inverse."""
    gram = x.double().numpy().T @ x.double().numpy()
    odds = corruption_rate / (1 - corruption_rate)
    p = np.linalg.inv(gram + np.diag(ridge + odds * np.diag(gram)))
    return np.eye(len(p)) - p / np.diag(p)


def solved(x: torch.Tensor, **options: object) -> FullRank:
    network = linear(LinearConfig(**options), n_items=x.shape[1], generator=torch.Generator())
    network.solve(rows_of(x))
    return network


def primal(x: SparseRows, ridge: torch.Tensor) -> torch.Tensor:
    return closed_form.weights_of_gram(closed_form.gram(x), ridge)


@pytest.mark.parametrize("shape", [(30, 7), (7, 30), (9, 9)])
def test_ease_is_the_formula_of_the_paper_whichever_way_it_is_inverted(shape) -> None:
    x = table(*shape)
    network = solved(x, form="ease", regularisation=(2.5,))
    assert np.allclose(network.weight.numpy(), by_definition(x, 2.5), atol=1e-6)


def test_ease_solves_its_own_least_squares() -> None:
    x = table(40, 6)
    b = solved(x, form="ease", regularisation=(3.0,)).weight.double()
    x = x.double()
    for item in range(6):  # each column is a ridge regression on the other items
        others = [num for num in range(6) if num != item]
        design = x[:, others]
        gram = design.T @ design + 3.0 * torch.eye(5)
        column = torch.linalg.solve(gram, design.T @ x[:, item])
        assert torch.allclose(b[others, item], column, atol=1e-6)


def test_edlae_adds_the_odds_of_hiding_to_the_diagonal() -> None:
    x = table(30, 7)
    network = solved(x, form="edlae", regularisation=(2.0,), corruption_rate=0.33)
    assert np.allclose(network.weight.numpy(), by_definition(x, 2.0, 0.33), atol=1e-6)


def test_the_diagonal_is_exactly_zero() -> None:
    for shape in ((30, 7), (7, 30)):
        network = solved(table(*shape), regularisation=(1.0,))
        assert network.weight.diagonal().abs().max() == 0


def test_primal_and_dual_agree_in_float32_too(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rows_of(table(25, 20))
    ridge = 1.0 + closed_form.column_squares(x)
    exact = primal(x, ridge)
    assert torch.allclose(closed_form.dual(x, ridge), exact, atol=1e-6)
    monkeypatch.setattr(closed_form, "DOUBLE_UP_TO", 0)
    assert torch.allclose(primal(x, ridge), exact, atol=1e-4)
    assert torch.allclose(closed_form.dual(x, ridge), exact, atol=1e-4)


def test_blocks_come_to_the_same_as_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rows_of(table(12, 20))
    ridge = torch.full((20,), 2.0, dtype=torch.float64)
    whole = closed_form.dual(x, ridge), primal(x, ridge)
    monkeypatch.setattr(closed_form, "BLOCK_BYTES", 8 * 20 * 3)
    blocks = closed_form.dual(x, ridge), primal(x, ridge)
    for ours, theirs in zip(blocks, whole, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_scores_are_the_sum_of_the_rows_of_the_history() -> None:
    x = table(30, 7)
    network = solved(x, regularisation=(1.0,))
    assert torch.allclose(network.logits(rows_of(x)), x @ network.weight, atol=1e-5)


def test_an_item_nobody_has_is_never_expected() -> None:
    x = table(30, 7)
    x[:, 3] = 0
    network = solved(x, form="edlae", regularisation=(1.0,))
    assert network.logits(rows_of(x))[:, 3].abs().max() == 0


def test_full_rank_has_no_embeddings() -> None:
    network = solved(table(30, 7), regularisation=(1.0,))
    assert network.item_embeddings() is None
    assert network.user_embeddings(rows_of(table(2, 7)), "code") is None


def test_what_does_not_fit_is_refused_with_the_gigabytes_and_what_does() -> None:
    network = linear(LinearConfig(form="ease"), n_items=300, generator=torch.Generator())
    x = rows_of(table(400, 300))
    network.prepare(x, memory_bytes=10**9)
    with pytest.raises(ConfigError, match=r"300 items needs 0\.3 GB .* 0\.0 GB .*'elsa'"):
        network.prepare(x, memory_bytes=10**7)


def test_the_memory_stated_grows_with_the_square_of_the_items() -> None:
    many = closed_form.needed_bytes(100_000, 20_108)
    assert 4 * 20_108**2 <= many <= 1.3 * 4 * 20_108**2
    assert closed_form.needed_bytes(1_000, 20_108) < many
    assert closed_form.needed_bytes(30_000, 41_000) < 8e9


@pytest.mark.parametrize("swept", [1, 3, 7, 512])
def test_the_inverse_is_numpys_whatever_the_block(
    monkeypatch: pytest.MonkeyPatch, swept: int
) -> None:
    monkeypatch.setattr(closed_form, "SWEPT", swept)
    x = table(30, 20).double()
    matrix = x.T @ x + torch.eye(20)
    expected = np.linalg.inv(matrix.numpy())
    place = matrix.data_ptr()
    inverse = closed_form.inverse_(matrix)
    assert np.allclose(inverse.numpy(), expected, atol=1e-12)
    assert inverse.data_ptr() == place


def test_beyond_the_limit_the_weights_are_of_half_precision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = table(30, 7)
    exact = solved(x, regularisation=(1.0,))
    monkeypatch.setattr(closed_form, "SINGLE_UP_TO", 6)
    network = solved(x, regularisation=(1.0,))
    assert network.weight.dtype == torch.float16
    assert network.logits(rows_of(x)).dtype == torch.float32
    assert torch.allclose(network.logits(rows_of(x)), exact.logits(rows_of(x)), atol=2e-3)


def normalised_by_definition(x: torch.Tensor, beta: float, alpha: float) -> np.ndarray:
    """Rows and columns divided by powers of their degrees, a flat ridge, and multiplied back."""
    rows = x[x.sum(dim=1) > 0].double()
    degrees = rows.square().sum(dim=1)
    rows = rows * ((degrees / degrees.mean()) ** (-beta / 2))[:, None]
    squares = rows.square().sum(dim=0)
    scale = (squares / squares.mean()) ** (-alpha / 2)
    b = torch.from_numpy(by_definition(rows * scale, 2.0))
    return (scale[:, None] * b / scale).numpy()


@pytest.mark.parametrize("shape", [(30, 7), (7, 30)])
def test_exponents_divide_by_degrees_and_multiply_back(shape: tuple[int, int]) -> None:
    x = table(*shape)
    network = solved(
        x, form="ease", regularisation=(2.0,), user_exponent=(0.6,), item_exponent=(0.4,)
    )
    assert np.allclose(network.weight.numpy(), normalised_by_definition(x, 0.6, 0.4), atol=1e-6)


@pytest.mark.parametrize("shape", [(30, 7), (7, 30)])
def test_scores_shrink_with_popularity_to_a_power(shape: tuple[int, int]) -> None:
    x = table(*shape)
    plain = solved(x, form="ease", regularisation=(2.0,), user_exponent=(0.6,))
    shrunk = solved(
        x, form="ease", regularisation=(2.0,), user_exponent=(0.6,), popularity_exponent=(0.3,)
    )
    squares = x.double().square().sum(dim=0)
    scale = torch.where(squares > 0, (squares / squares.mean()) ** -0.3, 1.0)
    assert torch.allclose(shrunk.weight, plain.weight * scale.float(), atol=1e-6)


def test_numbers_are_chosen_among_the_most_common_items_and_then_used_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.autoencoders.linear.SEARCHED", 4)
    x = table(30, 7)
    options = {
        "regularisation": (1.0, 10.0),
        "user_exponent": (0.0, 0.5, 1.0),
        "popularity_exponent": (0.0, 0.2),
    }
    network = linear(LinearConfig(form="ease", **options), n_items=7, generator=torch.Generator())
    common = x.square().sum(dim=0).topk(4).indices
    seen = []

    def judge() -> float:
        ranked = torch.isfinite(network.logits(rows_of(x))).all(dim=0)
        seen.append(set(ranked.nonzero()[:, 0].tolist()))
        return float(len(seen))

    network.solve(rows_of(x), judge)
    among_common = seen.count(set(common.tolist()))
    assert among_common > 2
    assert seen[among_common:] == [set(range(7))] * 2, "the exponent of popularity, among all"
    settled = {name: tuple(values) for name, values in network.chosen.items()}
    again = solved(x, form="ease", **settled)
    assert torch.equal(again.weight, network.weight)


def test_the_exponent_of_popularity_is_the_one_best_among_all_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.autoencoders.linear.SEARCHED", 4)
    x = table(30, 7)
    exponents = (0.0, 0.1, 0.2)
    config = LinearConfig(form="ease", regularisation=(2.0,), popularity_exponent=exponents)
    network = linear(config, n_items=7, generator=torch.Generator())
    wanted = [
        solved(x, form="ease", regularisation=(2.0,), popularity_exponent=(exponent,))
        for exponent in exponents
    ]

    def judge() -> float:
        """Among common items no exponent is the best, among all the least."""
        logits = network.logits(rows_of(x))
        if not torch.isfinite(logits).all():
            return 0.0
        return -float((logits - wanted[0].logits(rows_of(x))).abs().max())

    network.solve(rows_of(x), judge)
    assert network.chosen["popularity_exponent"] == [0.0]
    assert torch.equal(network.weight, wanted[0].weight)


def test_a_judge_that_stops_leaves_no_search_behind() -> None:
    x = table(30, 7)
    network = linear(LinearConfig(form="ease"), n_items=7, generator=torch.Generator())

    def judge() -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        network.solve(rows_of(x), judge)
    network.weight = torch.eye(7)
    assert torch.allclose(network.logits(rows_of(x)), x)


class TestChoice:
    def tried(self, values: dict[float, float], start: float) -> tuple[float, list[float]]:
        applied: list[float] = []
        best = best_of(list(values), applied.append, lambda: values[applied[-1]], start=start)
        assert applied[-1] == best
        return best, applied

    def test_it_climbs_to_the_best_of_one_hill_from_any_start(self) -> None:
        values = {1.0: 0.1, 3.0: 0.3, 10.0: 0.6, 30.0: 0.5, 100.0: 0.2}
        for start in (0.01, 1.0, 9.0, 1e6):
            assert self.tried(values, start)[0] == 10.0

    def test_it_judges_none_twice(self) -> None:
        _, applied = self.tried({1.0: 0.3, 10.0: 0.2, 100.0: 0.1}, 10.0)
        assert sorted(applied) == [1.0, 10.0, 100.0]

    def test_without_a_judge_the_nearest_is_taken(self) -> None:
        applied: list[float] = []
        assert best_of([1, 10, 100], applied.append, None, start=40.0) == 100
        assert applied == [100]

    def test_the_network_keeps_what_the_judge_likes_best(self) -> None:
        x = table(30, 7)
        network = linear(
            LinearConfig(form="ease", regularisation=(1, 10, 100)),
            n_items=7,
            generator=torch.Generator(),
        )
        wanted = torch.from_numpy(by_definition(x, 10.0))
        network.solve(rows_of(x), lambda: -float((network.weight - wanted).square().sum()))
        assert torch.allclose(network.weight.double(), wanted, atol=1e-6)


class TestLowRank:
    def network(self, latent_dim: int | None = 4) -> LowRank:
        config = LinearConfig(form="elsa", latent_dim=latent_dim)
        return linear(config, n_items=20, generator=torch.Generator().manual_seed(0))

    def test_scores_are_those_of_unit_rows_without_the_diagonal(self) -> None:
        network, x = self.network(), checkerboard()
        a = network.item_embeddings()
        assert torch.allclose(a.norm(dim=1), torch.ones(20))
        b = a @ a.T - torch.eye(20)
        assert torch.allclose(network.logits(rows_of(x)), x @ b, atol=1e-5)
        assert b.diagonal().abs().max() < 1e-6

    def test_reconstruction_has_the_length_of_the_row(self) -> None:
        x = checkerboard()
        rebuilt = self.network().reconstruct(rows_of(x))
        assert torch.allclose(rebuilt.norm(dim=1), x.norm(dim=1), atol=1e-4)

    def test_a_rank_above_the_number_of_items_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="at most 20"):
            self.network(21)

    def test_the_default_rank_suits_any_catalogue(self) -> None:
        assert self.network(None).weight.shape == (20, 10)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("form", "slim"),
        ("regularisation", ()),
        ("regularisation", (0.0,)),
        ("corruption_rate", 1.0),
        ("latent_dim", 0),
    ],
)
def test_an_impossible_option_is_named(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        LinearConfig(**{field: value})


def test_what_is_refused_has_not_taken_its_memory_first() -> None:
    network = linear(LinearConfig(), n_items=2_000_000, generator=torch.Generator())
    assert network.state_dict()["weight"].untyped_storage().nbytes() <= 4
    rows = SparseRows(torch.tensor([0, 1]), torch.tensor([1_999_999]), torch.ones(1), 2_000_000)
    with pytest.raises(ConfigError, match=r"needs [\d,]+\.\d GB .*'elsa'"):
        network.prepare(rows, memory_bytes=12 * 10**9)
