"""Values of a wrong type are refused by the name of the option, before anything is built."""

import pytest

from models.catalog import KINDS, make_config
from models.errors import ConfigError
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


def test_whole_numbers_are_numbers_too() -> None:
    check_types(FitConfig, {"learning_rate": 1, "weight_decay": 0, "epochs": 3})


@pytest.mark.parametrize("kind", KINDS)
def test_the_types_of_every_option_have_words(kind: str) -> None:
    config = KINDS[kind].config
    for name in config.__dataclass_fields__:
        with pytest.raises(ConfigError, match=f"{name} is"):
            check_types(config, {name: object()})
