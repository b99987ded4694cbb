"""AutoRec: what is observed counts, nothing else, and users unseen in training are answered."""

import pytest
import torch

from models.autoencoders.losses import observed
from models.autoencoders.rating import AutoRec, ItemRating, RatingConfig, rating
from models.errors import ConfigError, RowsError
from models.fitting import FitConfig, fit_all
from models.rows import transposed
from models.scoring.anomaly import Scale, score_row
from tests.models.conftest import rows_of


def ratings(n_users: int = 40, n_items: int = 12) -> torch.Tensor:
    """Even users rate even items 5 and odd ones 1, odd users the other way; some are missing."""
    users, items = torch.arange(n_users)[:, None], torch.arange(n_items)[None]
    table = torch.where(users % 2 == items % 2, 5.0, 1.0)
    return table * ((users * 3 + items * 5) % 7 > 1)


def fitted(form: str, epochs: int = 60, hidden_dims: tuple[int, ...] = ()) -> AutoRec | ItemRating:
    generator = torch.Generator().manual_seed(0)
    config = RatingConfig(form=form, hidden_dims=hidden_dims, latent_dim=6)
    network = rating(config, n_items=12, generator=generator)
    rows = rows_of(ratings())
    batch = transposed(rows) if network.trains_on_items else rows
    fit = FitConfig(epochs=epochs, learning_rate=0.02)
    fit_all(network, fit, lambda: [batch], generator=generator, rows=rows)
    return network.eval()


def test_the_loss_looks_at_observed_entries_only() -> None:
    table = ratings()
    logits = torch.randn(table.shape, generator=torch.Generator().manual_seed(0))
    loss = observed(logits, rows_of(table))
    elsewhere = torch.where(table > 0, logits, logits + 1e6)
    expected = ((table - logits)[table > 0] ** 2).sum() / len(table)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert observed(elsewhere, rows_of(table)).item() == pytest.approx(loss.item())


@pytest.mark.parametrize("hidden_dims", [(), (8,)])
@pytest.mark.parametrize("form", ["user", "item"])
def test_missing_ratings_are_found(form: str, hidden_dims: tuple[int, ...]) -> None:
    table = ratings()
    expected = fitted(form, hidden_dims=hidden_dims).reconstruct(rows_of(table))
    users, items = torch.arange(40)[:, None], torch.arange(12)[None]
    truth = torch.where(users % 2 == items % 2, 5.0, 1.0)
    missing = table == 0
    right = (expected > 3) == (truth > 3)
    assert right[missing].all()


@pytest.mark.parametrize("form", ["user", "item"])
def test_answers_stay_within_the_ratings_there_are(form: str) -> None:
    expected = fitted(form).reconstruct(rows_of(100 * ratings()))
    assert expected.min() >= 1
    assert expected.max() <= 5


def test_a_user_unseen_in_training_is_answered_by_ridge_regression_on_the_item_codes() -> None:
    network = fitted("item")
    assert isinstance(network, ItemRating)
    row = torch.zeros(1, 12)
    row[0, [0, 1, 2]] = torch.tensor([5.0, 1.0, 5.0])
    codes = network.codes[[0, 1, 2]].double()
    y = row[0, [0, 1, 2]].double() - network.item_means[[0, 1, 2]].double()
    gram = codes.T @ codes + float(network.ridge) * torch.eye(codes.shape[1])
    v = torch.linalg.solve(gram, codes.T @ y)
    expected = network.codes.double() @ v + network.item_means
    assert torch.allclose(network.logits(rows_of(row))[0].double(), expected, atol=1e-3)
    liked, disliked = network.reconstruct(rows_of(row))[0, [4, 5]].tolist()
    assert liked > disliked


def test_a_user_without_ratings_gets_the_mean_of_each_item() -> None:
    network = fitted("item")
    answer = network.logits(rows_of(torch.zeros(1, 12)))
    assert torch.allclose(answer[0], network.item_means)


def test_the_users_of_the_training_are_not_kept() -> None:
    network = fitted("item")
    assert {len(tensor) for tensor in network.state_dict().values() if tensor.dim()} <= {12, 2}
    fresh = rating(network.config, n_items=12, generator=torch.Generator())
    fresh.load_state_dict(network.state_dict())
    x = rows_of(ratings())
    assert torch.equal(fresh.logits(x), network.logits(x))


def test_the_item_form_wants_to_see_its_users_first() -> None:
    network = rating(RatingConfig(form="item"), n_items=12, generator=torch.Generator())
    with pytest.raises(RowsError, match="prepare"):
        network.phases()


def test_only_ratings_given_are_strange() -> None:
    network = fitted("user")
    table = ratings()
    usual, strange = table[:1], table[:1].clone()
    strange[0, 2] = 1.0
    scores = [score_row(network, rows_of(row), Scale()) for row in (usual, strange)]
    assert scores[1].score > scores[0].score
    assert len(scores[0].contributions) == int((usual > 0).sum())


@pytest.mark.parametrize(
    ("field", "value"),
    [("form", "both"), ("latent_dim", 0), ("corruption_rate", 1.0), ("activation", "step")],
)
def test_an_impossible_option_is_named(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        RatingConfig(**{field: value})
