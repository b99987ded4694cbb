"""Sparse rows agree with their dense form."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.products import times
from models.rows import Rows, entries, n_columns, row_sums, unit_rows, values_of, with_values
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
    assert torch.equal(table.to_dense(), table)


@given(tables)
def test_sparse_and_dense_rows_answer_alike(values: list[list[float]]) -> None:
    table = torch.tensor(values)
    sparse = rows_of(table)
    weight = torch.arange(2.0 * table.shape[1]).reshape(table.shape[1], 2)
    assert len(sparse) == len(table)
    assert n_columns(sparse) == n_columns(table)
    assert torch.allclose(row_sums(sparse), row_sums(table))
    assert torch.allclose(times(sparse, weight), times(table, weight), atol=1e-5)
    assert torch.allclose(unit_rows(sparse).to_dense(), unit_rows(table).to_dense())
    for ours, theirs in zip(entries(sparse), entries(table), strict=True):
        assert torch.equal(ours, theirs)


def test_a_half_weight_is_summed_as_its_copy_of_full_width() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = rows_of((torch.rand(4, 300, generator=generator) < 0.5).float())
    half = torch.randn(300, 2_000, generator=generator).half()
    ours, wide = times(rows, half), times(rows, half.float())
    assert ours.dtype == torch.float32
    assert torch.allclose(ours, wide, atol=1e-4)
    assert torch.equal(ours.topk(100).indices, wide.topk(100).indices)


@pytest.mark.parametrize("make", [rows_of, torch.Tensor.to_dense], ids=["sparse", "dense"])
def test_other_values_leave_the_rows_as_they_are(make: Callable[[torch.Tensor], Rows]) -> None:
    table = torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    x = make(table)
    doubled = with_values(x, values_of(x) * 2)
    assert torch.equal(doubled.to_dense(), table * 2)
    assert torch.equal(x.to_dense(), table)


@given(tables)
def test_row_sums_are_those_of_the_table(values: list[list[float]]) -> None:
    table = torch.tensor(values)
    assert torch.allclose(row_sums(rows_of(table)), table.sum(dim=1))


@given(tables)
def test_unit_rows_have_length_one_and_empty_rows_stay_empty(values: list[list[float]]) -> None:
    table = torch.tensor(values)
    lengths = unit_rows(rows_of(table)).to_dense().norm(dim=1)
    assert torch.allclose(lengths, (table.abs().sum(dim=1) > 0).float())
