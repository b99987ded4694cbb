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
