"""Cells to features: numbers, categories, what is missing, constant, new or wrong."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.detectors.preparation import BOUND, RowPreparation, soft_bound
from models.errors import ConfigError, RowsError

TABLE = {
    "age": [31, 42, None, 27, 55],
    "plan": ["free", "paid", "free", None, "free"],
    "version": [3, 3, 3, 3, 3],
}


def problems_of(table: dict[str, Any]) -> list[tuple[int, str | None]]:
    preparation, _ = RowPreparation.fit(TABLE)
    return [(each.row, each.column) for each in preparation.prepare(table).problems]


def row(**cells: Any) -> dict[str, Any]:
    usual = {"age": 31, "plan": "free", "version": 3}
    return {name: [value] for name, value in {**usual, **cells}.items()}


def test_features_are_standardised_on_the_training_rows() -> None:
    _, prepared = RowPreparation.fit(TABLE)
    assert prepared.x.mean(dim=0) == pytest.approx(np.zeros(prepared.x.shape[1]), abs=1e-12)
    assert prepared.x.std(dim=0, correction=0) == pytest.approx(np.ones(prepared.x.shape[1]))
    assert not prepared.unseen.any()


@pytest.mark.parametrize(
    "cells", [{"version": 4}, {"plan": "gold"}, {"version": None}, {"version": 1e300}]
)
def test_what_was_never_seen_is_told_and_bounded(cells: dict[str, Any]) -> None:
    preparation, _ = RowPreparation.fit(TABLE)
    unseen = preparation.prepare(row(**cells)).unseen
    assert 1 < float(unseen.max()) <= BOUND**2


def test_a_hair_away_from_a_constant_is_next_to_nothing() -> None:
    preparation, _ = RowPreparation.fit(TABLE)
    assert float(preparation.prepare(row(version=3.0001)).unseen.sum()) < 1e-5


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_is_too_large(value: float) -> None:
    preparation, _ = RowPreparation.fit({"a": [0.0, 1.0, 2.0], "b": [1e300, -1e300, 3.0]})
    prepared = preparation.prepare({"a": [value], "b": [value]})
    assert torch.isfinite(prepared.x).all()
    assert float(prepared.x.abs().max()) < BOUND + 800


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_the_bound_keeps_the_order(values: list[float]) -> None:
    z = torch.tensor(sorted(values), dtype=torch.float64)
    assert (soft_bound(z).diff() >= 0).all()


def test_bad_rows_are_named_and_the_others_prepared() -> None:
    table = {
        "age": ["old", 31, math.inf, None, 31],
        "plan": ["free", "gold", "free", None, "paid"],
        "version": [3, 3, 3, math.nan, 10**400],
    }
    assert problems_of(table) == [(0, "age"), (2, "age"), (3, None), (4, "version")]
    preparation, _ = RowPreparation.fit(TABLE)
    assert preparation.prepare(table).rows.tolist() == [1]


def test_columns_that_are_not_those_of_training_are_named() -> None:
    preparation, _ = RowPreparation.fit(TABLE)
    with pytest.raises(RowsError, match=r"missing: plan; unknown: colour"):
        preparation.prepare({"age": [1], "version": [3], "colour": ["red"]})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "no columns"),
        ({"a": [1, 2], "b": [1]}, "a 2, b 1"),
        ({"a": []}, "no rows"),
        ({"a": np.zeros((3, 2))}, "a has 2 dimensions"),
        ({"a": [None, math.nan], "b": ["", None]}, "None of the 2 rows"),
    ],
)
def test_tables_without_a_usable_row_are_refused(table: dict[str, Any], words: str) -> None:
    with pytest.raises(RowsError, match=words):
        RowPreparation.fit(table)


def test_numbers_are_categories_where_that_is_said() -> None:
    preparation, _ = RowPreparation.fit({"zip": [28001, 8001.0, "28001"]}, categorical=["zip"])
    assert preparation.columns[0].levels == ("28001", "8001")
    with pytest.raises(ConfigError, match=r"'zip'\?"):
        RowPreparation.fit({"zip": [1, 2]}, categorical=["zipp"])


def test_decimals_are_numbers() -> None:
    preparation, _ = RowPreparation.fit({"price": [Decimal("1.5"), Decimal("NaN"), Decimal(4)]})
    assert preparation.columns[0].kind == "numeric"
    assert preparation.columns[0].fill == 2.75


def test_rare_levels_share_a_feature() -> None:
    words = [f"level-{num}" for num in range(200)] + ["level-7"] * 3
    preparation, _ = RowPreparation.fit({"word": words})
    assert len(preparation.columns[0].levels) == 64
    assert preparation.columns[0].levels[0] == "level-7"


def test_features_go_back_to_cells() -> None:
    preparation, prepared = RowPreparation.fit(TABLE)
    cells = preparation.restore(prepared.x)
    assert cells[1] == [pytest.approx(42), "paid", 3]
    assert cells[3][1] is None
