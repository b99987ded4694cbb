"""The benchmark of training: its rows, its workers and turns, and what it skips."""

import json
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import training, training_gpu, training_tasks
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


def test_the_task_of_a_gpu_says_that_there_is_none_and_does_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["training", "--task", "gpu", "--json"])
    assert training.main() == 0
    printed = capsys.readouterr()
    assert "gpu is skipped: torch sees no GPU here" in printed.err
    assert json.loads(printed.out)["figures"] == {"skipped": "torch sees no GPU here"}


@pytest.mark.slow
def test_devices_are_compared_by_time_loss_and_what_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "none: the processor again")
    for name, value in (
        *(("SMALL", (200, 150, 3_000)), ("LARGE", (1_000, 150, 9_000)), ("PROCESSOR", {"cpu": {}})),
        ("GPU", {"gpu": {"device": "cpu", "precision": "bfloat16"}}),
        *(("EPOCHS", {"mult-vae": 1, "recvae": 1, "large": 1}), ("STEPS", 1)),
    ):
        monkeypatch.setattr(training_gpu, name, value)
    figures = training_gpu.on_gpu(Namespace(seed=1, threads=1), tmp_path)
    for name in ("mult-vae, ml-1m", "recvae, ml-1m"):
        work = figures[name]
        assert work["cpu"]["loss"] == pytest.approx(work["gpu"]["loss"], rel=0.01)
        assert work["gpu"]["on_processor_too"] == 1
        assert 0.9 < work["gpu"]["in_digits_too"] <= 1
        assert work["first 100 in common"]["cpu | gpu"] > 0.9
    assert figures["mult-vae, ml-20m"]["cpu"]["epoch_seconds"] > 0
