"""The benchmark of cold items: on MovieLens where it is at hand, and on a small world."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.cold_start import measure, part
from benchmarks.cold_worlds import World, movies, popularity_of_groups
from pipelines.content.features import ItemContent
from pipelines.training.run_config import named_run
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
