"""Ratings by their errors, and the biases that any network must beat."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse

from models.rows import SparseRows
from pipelines.data.interactions import to_rows
from pipelines.data.splits import HeldOut, strong_generalisation
from pipelines.errors import InvalidInput
from pipelines.machine import available_memory
from pipelines.training.biases import SHRINKAGE, biases_scorer
from pipelines.training.metrics.rmse import rmse
from pipelines.training.run_config import named_run, run_config_of
from pipelines.training.train import train
from pipelines.training.yardstick import RATINGS
from tests.worlds import two_tastes

USERS = HeldOut(
    fold_in=sparse.csr_array(np.array([[5.0, 0, 0], [0, 1, 0]])),
    held_out=sparse.csr_array(np.array([[0, 4.0, 2.0], [0, 0, 3.0]])),
)


def threes(rows: SparseRows) -> torch.Tensor:
    return torch.full((len(rows), 3), 3.0)


def test_rmse_of_each_user_is_the_root_of_their_mean_squared_error() -> None:
    assert rmse(np.array([1.0, 1, 16]), np.array([2, 1, 0])).tolist()[:2] == [1, 4]
    assert np.isnan(rmse(np.array([1.0]), np.array([1, 0]))[1])


def test_only_held_out_ratings_are_judged() -> None:
    assert RATINGS.evaluate(threes, USERS).per_user["rmse"].tolist() == [1, 0]


def test_what_training_climbs_counts_all_ratings_alike() -> None:
    assert RATINGS.worth(threes, USERS) == pytest.approx(-np.sqrt(2 / 3))


def test_biases_are_the_mean_and_what_item_and_user_differ_by() -> None:
    train_x = sparse.csr_array(np.array([[5.0, 3], [5, 0], [0, 1]]))
    row = to_rows(sparse.csr_array(np.array([[0.0, 4]])))
    mean = 3.5
    items = [mean + 3 / (2 + SHRINKAGE), mean + (-0.5 - 2.5) / (2 + SHRINKAGE)]
    user = (4 - items[1]) / (1 + SHRINKAGE)
    expected = [item + user for item in items]
    assert biases_scorer(train_x)(row)[0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("form", ["user", "item"])
def test_a_run_on_ratings_is_judged_by_rmse_beside_biases(form: str) -> None:
    matrix = two_tastes(100)
    rng = np.random.default_rng(0)
    matrix.x.data[:] = np.where(matrix.x.indices % 4 < 2, 5.0, 1.0) + rng.normal(
        0, 0.1, matrix.x.nnz
    )
    values = named_run(f"autorec-{form}").values()
    values["network"]["latent_dim"] = 8
    values["fit"].update({"epochs": 3})
    trained = train(
        strong_generalisation(matrix, 1), run_config_of(values), on_progress=lambda _: None
    )
    assert trained.test is not None
    assert set(trained.test.per_user) == {"rmse"}
    assert trained.test.headline == "rmse"
    assert all(epoch.metric is not None and epoch.metric < 0 for epoch in trained.epochs)


def test_the_rating_kind_refuses_data_without_ratings() -> None:
    values = named_run("autorec-item").values()
    values["data"]["values"] = "binary"
    with pytest.raises(InvalidInput, match="values = 'rating'"):
        run_config_of(values)


def test_a_matrix_that_does_not_fit_the_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.training.fit.available_memory", lambda: 1_000)
    split = strong_generalisation(two_tastes(60), 1)
    with pytest.raises(InvalidInput, match="GB"):
        train(split, named_run("ease"), on_progress=lambda _: None)


def test_memory_is_what_the_container_still_allows(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  2000 kB\nMemAvailable:  1000 kB\n")
    assert available_memory(meminfo=meminfo, cgroup=tmp_path) == 1_024_000
    for name, text in (("max", "900000"), ("current", "500000"), ("stat", "inactive_file 100000")):
        (tmp_path / f"memory.{name}").write_text(text)
    assert available_memory(meminfo=meminfo, cgroup=tmp_path) == 500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory(meminfo=meminfo, cgroup=tmp_path) == 1_024_000
