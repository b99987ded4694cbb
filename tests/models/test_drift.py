"""Drift: rarely seen where there is none, seen where there is some, told from enough examples."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from models.scoring.drift import (
    FAMILY_RATE,
    LARGE,
    MAX_KEPT,
    Categories,
    Reference,
    categories_of,
    compare,
    examples_needed,
    holm,
    psi,
    reference_of,
)

LEVELS = ["free", "paid", "trial", None]


def drawn(rng: np.random.Generator, n: int, *, shift: float = 0.0) -> dict[str, Any]:
    """Five inputs: two heavy-tailed ones, counts, one with missing numbers, one of words."""
    sparse = rng.normal(size=n)
    sparse[rng.random(n) < 0.2] = np.nan
    return {
        "score": rng.lognormal(shift, 1, n),
        "length": rng.geometric(0.1, n).astype(float),
        "weight": rng.lognormal(size=n),
        "sparse": sparse,
        "plan": rng.choice(np.array(LEVELS, dtype=object), n, p=[0.5, 0.3, 0.15, 0.05]).tolist(),
    }


def references(table: dict[str, Any]) -> dict[str, Reference | Categories]:
    return {
        name: categories_of(values) if name == "plan" else reference_of(values)
        for name, values in table.items()
    }


@pytest.mark.parametrize(("n", "m"), [(150, 150), (1500, 200), (400, 2000)])
def test_no_drift_is_an_alert_as_rarely_as_promised(n: int, m: int) -> None:
    rng, trials = np.random.default_rng(n), 60
    sure = 0
    for _ in range(trials):
        compared = compare(references(drawn(rng, n)), drawn(rng, m))
        sure += any(each.adjusted_p <= FAMILY_RATE for each in compared.values())
        assert not any(each.drifted for each in compared.values())
    assert sure <= binom(trials, FAMILY_RATE).ppf(0.999)


def test_a_shift_of_one_deviation_is_found_and_named() -> None:
    rng = np.random.default_rng(0)
    compared = compare(references(drawn(rng, 1000)), drawn(rng, 200, shift=1.0))
    assert [name for name, each in compared.items() if each.drifted] == ["score"]
    assert compared["score"].statistic > 0.3


def test_new_words_and_more_missing_numbers_are_drift() -> None:
    rng = np.random.default_rng(0)
    now = drawn(rng, 400)
    now["plan"][:150] = ["gold"] * 150
    now["sparse"][:200] = np.nan
    compared = compare(references(drawn(rng, 1000)), now)
    assert {name for name, each in compared.items() if each.drifted} == {"plan", "sparse"}


def test_what_is_sure_but_small_is_no_drift() -> None:
    rng = np.random.default_rng(0)
    compared = compare(references(drawn(rng, 9000)), drawn(rng, 9000, shift=0.2))
    assert compared["score"].adjusted_p < FAMILY_RATE
    assert compared["score"].psi is not None
    assert compared["score"].psi < 0.1
    assert not compared["score"].drifted


def test_psi_waits_for_enough_examples_and_says_how_many() -> None:
    rng = np.random.default_rng(0)
    known = references(drawn(rng, 500))
    needed = compare(known, drawn(rng, 50))["score"].needed
    assert needed == examples_needed(10, 500) == 144
    below, enough = (compare(known, drawn(rng, n))["score"] for n in (needed - 1, needed))
    assert below.psi is None
    assert enough.psi is not None
    assert compare(references(drawn(rng, 50)), drawn(rng, 5000))["score"].needed == 0


def test_a_psi_of_chance_keeps_below_what_is_large() -> None:
    rng = np.random.default_rng(0)
    needed, bins = examples_needed(10, 1000), np.full(10, 0.1)
    values = [
        psi(rng.multinomial(1000, bins).astype(float), rng.multinomial(needed, bins).astype(float))
        for _ in range(2000)
    ]
    assert np.mean(np.array(values) >= LARGE) <= 0.003


def test_a_reference_is_bounded_and_one_value_is_enough() -> None:
    many = reference_of(np.arange(100_000.0))
    assert many.n == MAX_KEPT
    assert many.kept[0] == 0
    assert many.kept[-1] == 99_999
    constant = {"same": reference_of(np.ones(200))}
    assert compare(constant, {"same": np.ones(300)})["same"].p_value == 1
    for other in (0.0, 2.0):
        assert compare(constant, {"same": np.full(300, other)})["same"].drifted
    assert compare({"gone": reference_of([])}, {"gone": np.ones(5)}) == {}
    assert compare(constant, {"other": np.ones(3)}) == {}


def test_psi_and_holm_by_hand() -> None:
    e, a = np.array([49.5, 49.5]), np.array([24.5, 74.5])
    assert psi(e, a) == pytest.approx((0.25 - 0.5) * np.log(0.5) + (0.75 - 0.5) * np.log(1.5))
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
