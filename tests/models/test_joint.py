"""The blend of several networks."""

from typing import Any

import pytest
import torch

from models.autoencoders.joint import Joint, JointConfig, standardised
from models.catalog import build, make_config
from models.errors import ConfigError
from tests.models.conftest import checkerboard, rows_of

X = rows_of(checkerboard())
DEEP = {"kind": "variational", "network": {"hidden_dims": [12], "latent_dim": 5}}
LINEAR = {"kind": "linear", "network": {"regularisation": [1.0]}}


def network(**options: Any) -> Joint:
    values = {"members": [DEEP, LINEAR], **options}
    joint = build("joint", values, n_items=20, generator=torch.Generator().manual_seed(0))
    assert isinstance(joint, Joint)
    joint.solve(X)
    return joint


def test_standardised_rows_have_mean_zero_and_deviation_one_and_keep_their_order() -> None:
    logits = 50 * torch.randn(3, 20, generator=torch.Generator().manual_seed(0)) + 7
    rows = standardised(logits)
    assert torch.allclose(rows.mean(dim=1), torch.zeros(3), atol=1e-5)
    assert torch.allclose(rows.std(dim=1, correction=0), torch.ones(3))
    assert torch.equal(rows.argsort(dim=1), logits.argsort(dim=1))
    assert standardised(torch.ones(1, 20)).abs().max() == 0


def test_the_blend_is_of_all_members_by_their_weights() -> None:
    joint = network(weights=[0.25, 0.75])
    deep, linear = (standardised(member.logits(X)) for member in joint.networks)
    assert torch.allclose(joint.logits(X), 0.25 * deep + 0.75 * linear)


def test_a_member_without_weight_is_not_asked() -> None:
    joint = network(weights=[0.0, 1.0])
    joint.networks[0].logits = None  # type: ignore[method-assign, assignment]
    assert torch.equal(joint.logits(X), standardised(joint.networks[1].logits(X)))


def test_without_weights_all_count_alike() -> None:
    assert network().weights.tolist() == [0.5, 0.5]


def test_it_has_the_first_code_there_is_and_no_item_embeddings() -> None:
    joint = network(members=[LINEAR, DEEP])
    assert torch.equal(joint.user_embeddings(X, "code"), joint.networks[1].encode(X))
    assert joint.user_embeddings(X, "decoder") is None
    assert joint.item_embeddings() is None


def test_linear_members_alone_are_solved_without_training() -> None:
    joint = network(members=[LINEAR, LINEAR])
    assert joint.phases() == ()
    assert joint.user_embeddings(X, "code") is None


def test_what_does_not_fit_is_refused_before_any_training() -> None:
    with pytest.raises(ConfigError, match="GB"):
        network().prepare(X, memory_bytes=1)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"weights": [2.0, -1.0]}, "weights"),
        ({"weights": [1.0]}, "weights"),
        ({"weights": [0.5, 0.6]}, "1.1"),
        ({"members": [{"kind": "joint"}]}, "joint"),
        ({"members": [{"network": {}}]}, "kind"),
        ({"members": [{"kind": "linear", "network": {"regularization": [1.0]}}]}, "regularisation"),
        ({"members": [{"kind": "linear", "networks": {}}]}, "network"),
        ({"members": [{"kind": "lineal"}]}, "linear"),
    ],
)
def test_an_impossible_option_is_refused(options: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        make_config("joint", options)


def test_no_members_make_no_network() -> None:
    assert JointConfig(members=()).parts == ()
    with pytest.raises(ConfigError, match="at least one member"):
        build("joint", {"members": []}, n_items=5, generator=torch.Generator())
