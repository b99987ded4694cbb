"""The benchmark of fake profiles: what it reads, what it prints, and that it hides no miss."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import anomaly
from benchmarks.shilling import precision_at_n
from benchmarks.shilling_sets import read_labelled
from pipelines.errors import InvalidInput
from tests.worlds import ratings_world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """40 users of six items each, five of them labelled attackers, one without a label."""
    rng = np.random.default_rng(0)
    lines = [
        f"u{user_num} i{item_num} {rng.integers(1, 6)}.0 88125{user_num}"
        for user_num in range(40)
        for item_num in rng.choice(30, size=6, replace=False)
    ]
    (tmp_path / "profiles.txt").write_text("\n".join(lines))
    labels = "\n".join(f"u{num} {int(num < 5)}" for num in range(39))
    (tmp_path / "labels.txt").write_text(f"user label\n{labels}")
    return tmp_path


def test_labelled_profiles_are_read_with_users_that_nobody_labelled(folder: Path) -> None:
    users = read_labelled(folder)
    assert users.x.shape == (40, 30)
    assert users.x.nnz == 240
    assert users.judged.sum() == 39
    assert users.is_attacker.sum() == 5


def test_a_folder_without_attackers_is_refused(folder: Path) -> None:
    (folder / "labels.txt").write_text("u1 0\nu2 0\n")
    with pytest.raises(InvalidInput, match="labelled 1"):
        read_labelled(folder)


def test_profiles_without_ratings_and_with_other_separators_are_read(folder: Path) -> None:
    lines = (folder / "profiles.txt").read_text().splitlines()
    pairs = [line.split()[:2] for line in lines]
    (folder / "notes.txt").write_text("nothing to read")
    for separator in ("\t", ",", "::"):
        written = [separator.join(pair) for pair in [("user_id", "item_id"), *pairs, pairs[0]]]
        (folder / "profiles.txt").write_text("\n".join(written))
        users = read_labelled(folder)
        assert users.x.shape == (40, 30)
        assert set(users.x.data) == {1.0}  # a pair that comes twice counts once


def test_a_line_that_cannot_be_read_is_named(folder: Path) -> None:
    profiles = (folder / "profiles.txt").read_text()
    for line in ("u1 i1", "u1 i1 good", "u1 i1 nan"):
        (folder / "profiles.txt").write_text(f"{profiles}\n{line}\n")
        with pytest.raises(InvalidInput, match=r"profiles\.txt, line 241"):
            read_labelled(folder)


def test_files_that_look_alike_are_named(folder: Path) -> None:
    (folder / "ratings.txt").write_text("u1 i1 3\n")
    with pytest.raises(InvalidInput, match=r"it has labels\.txt, profiles\.txt, ratings\.txt"):
        read_labelled(folder)


def test_ties_at_the_cut_count_in_part() -> None:
    fake = np.array([True, True, False, False])
    assert precision_at_n(np.array([1.0, 0.0, 0.0, 0.0]), fake) == pytest.approx((1 + 1 / 3) / 2)
    assert precision_at_n(np.array([2.0, 1.0, 0.0, 0.0]), fake) == 1


def test_the_command_prints_every_score_and_what_was_missed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--task", "shilling", "--data", str(folder), "--seeds", "0", "--json"]
    monkeypatch.setattr(sys, "argv", ["anomaly", *arguments])
    assert anomaly.main() == 0
    figures = json.loads(capsys.readouterr().out)
    assert {"hourglass", "pca-varselect", "length", "reconstruction"} <= set(figures["detectors"])
    assert set(figures["sets"][folder.name]) >= {"auroc", "ap", "precision_at_n", "seconds"}
    assert figures["missed"] == {folder.name: [0]}  # attackers by chance: nobody finds them


def test_the_filter_takes_the_rise_of_a_pushed_item_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = ratings_world().tocoo()
    lines = [
        f"{user_num}\t{item_num}\t{rating:g}\t881250949"
        for user_num, item_num, rating in zip(*world.coords, world.data, strict=True)
    ]
    (tmp_path / "u.data").write_text("\n".join(lines))
    arguments = ["--task", "filter", "--config", "autorec-user", "--attacks", "average 6%"]
    monkeypatch.setattr(
        sys, "argv", ["anomaly", *arguments, "--seeds", "0", "--data", str(tmp_path), "--json"]
    )
    assert anomaly.main() == 0
    of_attack = json.loads(capsys.readouterr().out)["attacks"]["average 6%"]
    rates = of_attack["hit_rate@10"]
    assert rates["attacked"] > rates["clean"]
    assert of_attack["rise_left"] <= 0.1
    assert of_attack["caught"] == 1
