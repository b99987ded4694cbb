"""The benchmark of training: its rows, its workers and turns, and what it skips."""

import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import training_tasks
from benchmarks.turns import Worker
from benchmarks.zipf import histories


@pytest.fixture
def data(tmp_path: Path) -> Path:
    x = histories(60, 40, 900, seed=1)
    lines = [" ".join(map(str, [user, *x[[user]].indices])) for user in range(60)]
    (tmp_path / "source").mkdir()
    for part in ("train", "test"):
        (tmp_path / "source" / f"{part}.txt").write_text("\n".join(lines) + "\n")
    return tmp_path / "source"


def test_histories_are_ones_of_common_items_and_repeat() -> None:
    x, again = (histories(500, 300, 10_000, seed=3) for _ in range(2))
    assert (x != again).nnz == 0
    assert set(x.data) == {1.0}
    assert 0.7 * 10_000 < x.nnz <= 10_000
    counts = np.bincount(x.indices, minlength=300)
    assert counts[:30].sum() > 3 * counts[-30:].sum()


def test_an_epoch_is_measured_and_an_absent_peer_is_skipped_by_name(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(training_tasks, "PEER_PYTHON", tmp_path / "absent")
    folder = tmp_path / "data"
    folder.mkdir()
    asked = Namespace(data=data, seed=1, form="mult-vae", batch_size=20, turns=1)
    figures = training_tasks.epoch(asked, folder)
    assert "recbole is skipped: it is not installed (make peers)" in capsys.readouterr().err
    assert list(figures) == ["all items", "a sample of them"]
    assert all(each["seconds"] > 0 and each["peak_rss_mb"] > 0 for each in figures.values())
    header, *pairs = (folder / "data.train.inter").read_text().splitlines()
    assert header == "user_id:token\titem_id:token"
    others = [(folder / f"data.{part}.inter").read_text() for part in ("valid", "test")]
    assert not set(pairs) & {line for other in others for line in other.splitlines()}


def test_a_worker_that_fails_is_an_error_and_not_a_figure() -> None:
    with pytest.raises(RuntimeError, match="ended with"):
        Worker([sys.executable, "-c", "raise SystemExit(3)"])
