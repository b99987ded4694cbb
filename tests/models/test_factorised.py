"""Weighted matrix factorisation, beside the formulas of the paper written out."""

import numpy as np
import pytest
import torch

from models.autoencoders.factorised import Factorised, FactorisedConfig
from models.errors import ConfigError
from tests.models.conftest import rows_of

CONFIDENCE, STRENGTH, EXPONENT = 3.0, 2.0, 0.5


def table() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand(40, 20, generator=generator) < 0.3).float()
    x[0], x[:, 3] = 0, 0
    return x


def network(*, seed: int = 1, **options: object) -> Factorised:
    given = {
        "regularisation": (STRENGTH,),
        "confidence": (CONFIDENCE,),
        "exponent": (EXPONENT,),
        "latent_dim": (4,),
    }
    config = FactorisedConfig(**{**given, **options})  # type: ignore[arg-type]
    return Factorised(config, n_items=20, generator=torch.Generator().manual_seed(seed))


def ridges(lengths: np.ndarray) -> np.ndarray:
    return STRENGTH * (lengths / lengths[lengths > 0].mean()) ** EXPONENT


def best(x: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The code of each row by its normal equations (Hu et al. 2008, eq. 4)."""
    codes = np.zeros((len(x), vectors.shape[1]))
    for row, ridge, code in zip(x, ridges(x.sum(axis=1)), codes, strict=True):
        if row.any():
            weighed = vectors.T * (1 + CONFIDENCE * row)
            matrix = weighed @ vectors + ridge * np.eye(len(code))
            code[:] = np.linalg.solve(matrix, weighed @ (row > 0))
    return codes


def test_a_code_solves_the_normal_equations_of_its_row() -> None:
    x, solved = table(), network()
    solved.solve(rows_of(x))
    codes = best(x.double().numpy(), solved.item_embeddings().double().numpy())
    assert np.allclose(solved.encode(rows_of(x)).numpy(), codes, atol=1e-5)


def test_at_the_end_items_solve_theirs_too() -> None:
    x, solved = table(), network(sweeps=300)
    solved.solve(rows_of(x))
    codes = solved.encode(rows_of(x)).double().numpy()
    items = best(x.double().numpy().T, codes)
    assert np.allclose(solved.item_embeddings().numpy(), items, atol=1e-4)


def test_who_has_nothing_has_no_code_and_what_nobody_has_no_score() -> None:
    x, solved = table(), network()
    solved.solve(rows_of(x))
    logits = solved.logits(rows_of(x))
    assert not logits[0].any()
    assert not logits[:, 3].any()


def test_the_numbers_are_the_judges_and_give_the_same_when_they_are_named() -> None:
    x = table()
    free = network(latent_dim=(2, 4, 8), confidence=(1.0, 4.0, 9.0), regularisation=(1.0, 5.0))

    def judge() -> float:
        dim, confidence = free.chosen["latent_dim"][0], free.chosen["confidence"][0]
        return -abs(dim - 4) - abs(confidence - 9)

    free.solve(rows_of(x), judge)
    assert free.chosen["latent_dim"] == [4]
    assert free.chosen["confidence"] == [9.0]
    named = network(**{name: tuple(values) for name, values in free.chosen.items()})
    named.solve(rows_of(x))
    assert torch.equal(named.item_embeddings(), free.item_embeddings())
    assert torch.equal(named.logits(rows_of(x)), free.logits(rows_of(x)))


def test_a_code_is_at_most_half_as_long_as_there_are_items() -> None:
    solved = network(latent_dim=(64, 256))
    solved.solve(rows_of(table()))
    assert solved.chosen["latent_dim"] == [10]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("regularisation", (0.0,)),
        ("confidence", ()),
        ("latent_dim", (0,)),
        ("exponent", (1.5,)),
        ("sweeps", 0),
    ],
)
def test_numbers_that_cannot_be_used_are_refused_by_name(option: str, value: object) -> None:
    with pytest.raises(ConfigError) as refused:
        network(**{option: value})
    assert refused.value.field == option
