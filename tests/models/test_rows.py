"""Sparse rows agree with their dense form."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.models.conftest import rows_of

tables = st.integers(1, 6).flatmap(
    lambda n_items: st.lists(
        st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=n_items, max_size=n_items),
        min_size=1,
        max_size=5,
    )
)


@given(tables)
def test_to_dense_gives_the_table_back(values: list[list[float]]) -> None:
    table = torch.tensor(values)
    assert torch.equal(rows_of(table).to_dense(), table)


@given(tables)
def test_row_sums_are_those_of_the_table(values: list[list[float]]) -> None:
    table = torch.tensor(values)
    assert torch.allclose(rows_of(table).row_sums(), table.sum(dim=1))


@given(tables)
def test_unit_rows_have_length_one_and_empty_rows_stay_empty(values: list[list[float]]) -> None:
    table = torch.tensor(values)
    lengths = rows_of(table).unit_rows().to_dense().norm(dim=1)
    assert torch.allclose(lengths, (table.abs().sum(dim=1) > 0).float())
