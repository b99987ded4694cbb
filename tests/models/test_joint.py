"""The blend of a deep and a linear path."""

import pytest
import torch

from models.autoencoders.joint import Joint, JointConfig, standardised
from models.errors import ConfigError
from tests.models.conftest import checkerboard, rows_of

X = rows_of(checkerboard())


def network(**options: object) -> Joint:
    deep = {"hidden_dims": [12], "latent_dim": 5}
    config = JointConfig(deep=deep, linear={"regularisation": [1.0]}, **options)
    return Joint(config, n_items=20, generator=torch.Generator().manual_seed(0))


def test_standardised_rows_have_mean_zero_and_deviation_one_and_keep_their_order() -> None:
    logits = 50 * torch.randn(3, 20, generator=torch.Generator().manual_seed(0)) + 7
    rows = standardised(logits)
    assert torch.allclose(rows.mean(dim=1), torch.zeros(3), atol=1e-5)
    assert torch.allclose(rows.std(dim=1, correction=0), torch.ones(3))
    assert torch.equal(rows.argsort(dim=1), logits.argsort(dim=1))
    assert standardised(torch.ones(1, 20)).abs().max() == 0


def test_until_it_is_solved_it_ranks_by_the_deep_path() -> None:
    joint = network()
    assert torch.equal(joint.logits(X).argsort(dim=1), joint.deep.logits(X).argsort(dim=1))


def test_the_blend_is_of_both_by_the_weight() -> None:
    joint = network(deep_weight=0.25)
    joint.solve(X)
    deep, linear = (standardised(path.logits(X)) for path in (joint.deep, joint.linear))
    assert torch.allclose(joint.logits(X), 0.25 * deep + 0.75 * linear)


@pytest.mark.parametrize("wanted", [0.0, 0.3, 1.0])
def test_the_weight_is_the_judges(wanted: float) -> None:
    joint = network()
    joint.solve(X, lambda: -abs(float(joint.deep_weight) - wanted))
    assert float(joint.deep_weight) == pytest.approx(wanted)


def test_without_a_judge_both_count_alike() -> None:
    joint = network()
    joint.solve(X)
    assert float(joint.deep_weight) == 0.5


def test_it_has_the_deep_paths_code_and_no_item_embeddings() -> None:
    joint = network()
    assert torch.equal(joint.user_embeddings(X, "code"), joint.deep.encode(X))
    assert joint.user_embeddings(X, "decoder") is None
    assert joint.item_embeddings() is None


def test_what_does_not_fit_is_refused_before_any_training() -> None:
    with pytest.raises(ConfigError, match="GB"):
        network().prepare(X, memory_bytes=1)


@pytest.mark.parametrize(
    "options",
    [
        {"deep_weight": 2.0},
        {"linear": {"form": "elsa"}},
        {"linear": {"regularization": [1.0]}},
        {"deep": {"form": "vae"}},
    ],
)
def test_an_impossible_option_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        JointConfig(**options)
