"""The benchmark of cold items: on MovieLens where it is at hand, and on a small world."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import cold_start, cold_worlds
from benchmarks.cold_start import measure, part
from benchmarks.cold_worlds import World, movies, popularity_of_groups
from pipelines.content.features import ItemContent
from pipelines.training.run_config import named_run
from tests.pictures import write_fashion
from tests.worlds import two_tastes

EASE = replace(named_run("ease"), network={"form": "ease", "regularisation": (100.0,)})


def test_the_tower_beats_random_and_genre_popularity_on_movielens(shared_data: Path) -> None:
    world = movies(shared_data / "ml-latest-small", "binary", 3)
    figures = measure(world, EASE, seed=3)
    assert figures["users"] > 600
    assert min(g for gains in figures["gain_in_se"].values() for g in gains.values()) > 3
    share = figures["cold_share"]
    assert share["of_interactions"] / 2 < share["of_places"] < share["of_interactions"] * 2


def test_the_tower_sees_nothing_of_what_is_hidden() -> None:
    matrix = two_tastes(120)
    ids = matrix.vocabulary.item_ids
    contents = {i: ItemContent(i, (("even", "odd")[int(i[-3:]) % 2],)) for i in ids}
    world = World(matrix, contents, {i: contents[i].categories for i in ids})
    parts = part(world, seed=1)
    assert len(parts.cold_ids) == 8
    assert not set(parts.cold_ids) & set(parts.warm.vocabulary.item_ids)
    assert parts.hidden.nnz + parts.warm.x.nnz == matrix.x.nnz
    orders = measure(world, EASE, seed=1)["orders"]
    assert orders["tower"]["ndcg@20"]["mean"] > orders["group popularity"]["ndcg@20"]["mean"] + 0.1


def test_popularity_of_groups_is_the_mean_over_them() -> None:
    known = [("a",), ("a", "b"), ("b",)]
    rates = popularity_of_groups([("a",), ("a", "b"), ("c",), ()], known, np.array([1, 3, 5]))
    assert rates.tolist() == [2.0, 3.0, 0.0, 0.0]


def test_the_command_prints_the_figures_of_a_world_of_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fashion(tmp_path)
    for name, small in (("N_IMAGES", 60), ("N_USERS", 120), ("PER_USER", 8)):
        monkeypatch.setattr(cold_worlds, name, small)
    words = ("--task", "images", "--data", str(tmp_path), "--config", "ease", "--json")
    assert command(monkeypatch, *words) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["task"], figures["config"], figures["seed"]) == ("images", "ease", 1)
    assert (figures["cold_items"], figures["warm_items"]) == (12, 48)
    assert set(figures["orders"]) == {"tower", "group popularity", "random"}
    assert all(0 <= order["recall@20"]["mean"] <= 1 for order in figures["orders"].values())
    monkeypatch.setattr(cold_start, "measure", lambda *_, **__: figures)
    assert command(monkeypatch, *words[:-1]) == 0
    assert "12 cold and 48 warm items" in capsys.readouterr().out


def test_the_tower_reads_of_images_what_the_service_would_give_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fashion(tmp_path)
    for name, small in (("N_IMAGES", 60), ("N_USERS", 20), ("PER_USER", 8)):
        monkeypatch.setattr(cold_worlds, name, small)
    contents = cold_worlds.images(tmp_path, "binary", 1).contents.values()
    lengths = [np.linalg.norm(content.image) for content in contents]
    assert lengths == pytest.approx([1] * 60, abs=1e-5)  # as the run `convolutional` leaves them


def test_the_command_says_what_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(monkeypatch, "--data", str(tmp_path / "nowhere")) == 1
    assert "nowhere" in capsys.readouterr().err


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of the benchmark, which leaves the threads as they were."""
    threads = torch.get_num_threads()
    monkeypatch.setattr("sys.argv", ["cold_start", *words])
    try:
        return cold_start.main()
    finally:
        torch.set_num_threads(threads)
