"""Values of a wrong type are refused by the name of the option, before anything is built."""

import numpy as np
import pytest

from models.catalog import KINDS, make_config
from models.encoders.catalog import make_encoder_config
from models.errors import ConfigError
from models.estimators.transformer import AutoencoderTransformer
from models.fitting import FitConfig
from models.options import check_types


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("denoising", {"latent_dim": "three"}, "latent_dim is 'three'; it must be a whole number"),
        ("denoising", {"latent_dim": 2.5}, "latent_dim is 2.5; it must be a whole number"),
        ("denoising", {"latent_dim": True}, "latent_dim is True"),
        ("denoising", {"hidden_dims": 600}, "hidden_dims is 600; it must be a list, each a whole"),
        ("denoising", {"hidden_dims": ["wide"]}, "hidden_dims is"),
        ("deep", {"tied": "yes"}, "tied is 'yes'; it must be true or false"),
        ("linear", {"form": 3}, "form is 3; it must be one of 'ease'"),
        ("undercomplete", {"latent_dim": "x"}, "it must be a whole number or left out"),
        ("joint", {"members": [3]}, "members is .3.; it must be a list, each a table of options"),
        ("joint", {"members": [{"kind": "deep", "network": {"tied": 1}}]}, "tied is 1"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(kind: str, options, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected.replace("[", r"\[")):
        make_config(kind, options)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 10**400])
@pytest.mark.parametrize(
    ("kind", "option", "listed"),
    [
        ("joint", "weights", True),
        ("linear", "user_exponent", True),
        ("linear", "regularisation", True),
        ("linear", "corruption_rate", False),
        ("convolutional", "relight", False),
        ("deep", "refeeding_weight", False),
        ("variational", "beta", False),
    ],
)
def test_a_number_is_finite(kind: str, option: str, listed: bool, number: float) -> None:
    value = [1.0, number] if listed else number
    with pytest.raises(ConfigError, match=f"{option} is .*a finite number") as refused:
        make_config(kind, {option: value})
    assert refused.value.field == option


def test_so_are_those_of_members_and_of_encoders() -> None:
    member = {"kind": "deep", "network": {"refeeding_weight": float("nan")}}
    with pytest.raises(ConfigError) as refused:
        make_config("joint", {"members": [{"kind": "linear"}, member]})
    assert refused.value.field == "members/1/network/refeeding_weight"
    with pytest.raises(ConfigError, match="alpha is nan"):
        make_encoder_config("alexnet", {"features": [{"layer": "response", "alpha": float("nan")}]})
    with pytest.raises(ConfigError, match="grid is 1.5"):
        make_encoder_config("resnet18", {"grid": 1.5})
    with pytest.raises(ConfigError, match="learning_rate is inf"):
        AutoencoderTransformer(learning_rate=float("inf")).fit(np.eye(6))


def test_numbers_of_numpy_count() -> None:
    check_types(FitConfig, {"learning_rate": np.float32(0.1), "epochs": np.int64(3)})


def test_whole_numbers_are_numbers_too() -> None:
    check_types(FitConfig, {"learning_rate": 1, "weight_decay": 0, "epochs": 3})


@pytest.mark.parametrize("kind", KINDS)
def test_the_types_of_every_option_have_words(kind: str) -> None:
    config = KINDS[kind].config
    for name in config.__dataclass_fields__:
        with pytest.raises(ConfigError, match=f"{name} is"):
            check_types(config, {name: object()})
