"""What cannot be trained is refused with the field at fault, and what it could be."""

from typing import Any

import pytest

from models.catalog import KINDS
from pipelines.data.interactions import InteractionMatrix
from pipelines.data.splits import Split
from pipelines.errors import InvalidInput, NotReady
from pipelines.training.run_config import named_run, run_config_of
from pipelines.training.train import train
from tests.worlds import two_tastes


def split_of(matrix: InteractionMatrix) -> Split:
    return Split(matrix.x, matrix.vocabulary, None, None)


@pytest.mark.parametrize(
    ("values", "pointer", "words"),
    [
        ({"kind": "denoisign"}, "/kind", "Did you mean 'denoising'"),
        ({"kind": "convolutional", "data": {}}, "/data", r"chosen in \[images\]"),
        ({"images": {}}, "/images", r"chosen in \[data\]"),
        ({"kind": "convolutional", "images": {"channels": 2}}, "/images/channels", "1 .grey. or 3"),
        ({"kind": "convolutional", "images": {"sides": 2}}, "/images/sides", "Did you mean 'side'"),
        ({"knd": "denoising"}, "/knd", "Did you mean 'kind'"),
        ({"network": {"latent_dims": 3}}, "/network/latent_dims", "Did you mean 'latent_dim'"),
        ({"network": {"latent_dim": 0}}, "/network/latent_dim", "at least 1"),
        ({"network": {"loss": "bernouli"}}, "/network/loss", "Did you mean 'bernoulli'"),
        ({"fit": {"epoch": 3}}, "/fit/epoch", "Did you mean 'epochs'"),
        ({"fit": {"epochs": 0}}, "/fit/epochs", "at least 1"),
        ({"kind": "rating"}, "/data/values", "values = 'rating'"),
        ({"kind": ["a"]}, "/kind", "must be a text"),
        ({"seed": "abc"}, "/seed", "must be a whole number"),
        ({"seed": -1}, "/seed", "from 0 to"),
        ({"network": 5}, "/network", "must be a table of options"),
        ({"trials": 5}, "/trials", "must be a list"),
        ({"name": 5}, "/name", "must be a text"),
        ({"name": "../../x"}, "/name", "letters, digits"),
        ({"name": "x" * 51}, "/name", "up to 50"),
        ({"data": {"actoins": []}}, "/data/actoins", "Did you mean 'actions'"),
    ],
)
def test_an_option_that_cannot_be_used_is_pointed_at(
    values: dict[str, Any], pointer: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        run_config_of({"name": "mine", "kind": "denoising", **values})
    assert [error.pointer for error in caught.value.errors] == [pointer]


def test_an_unknown_kind_lists_all() -> None:
    with pytest.raises(InvalidInput, match=", ".join(sorted(KINDS))):
        run_config_of({"name": "mine", "kind": "x"})


def test_one_user_alone_teaches_nothing() -> None:
    with pytest.raises(NotReady, match="one user only"):
        train(split_of(two_tastes(1)), named_run("denoising"), on_progress=lambda _: None)


def test_no_interactions_teach_nothing() -> None:
    matrix = two_tastes(2)
    empty = InteractionMatrix(matrix.x * 0, matrix.user_ids, matrix.vocabulary)
    empty.x.eliminate_zeros()
    with pytest.raises(NotReady, match="no interactions"):
        train(split_of(empty), named_run("denoising"), on_progress=lambda _: None)


def test_a_code_as_wide_as_the_catalogue_is_refused_by_its_field() -> None:
    config = run_config_of({"name": "mine", "kind": "undercomplete", "network": {"latent_dim": 40}})
    with pytest.raises(InvalidInput, match="at most 39") as caught:
        train(split_of(two_tastes(4)), config, on_progress=lambda _: None)
    assert caught.value.errors[0].pointer == "/network/latent_dim"
