"""The picture benchmarks run on a handful of pictures; the figures themselves are not judged."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import image_autoencoder, image_few_labels, image_recognition, image_specificity
from benchmarks import images as command
from benchmarks.image_data import CLASSES, Labelled, cut, digits, fashion_mnist, read_idx
from benchmarks.image_neighbours import precision
from tests.pictures import write_fashion


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as that of Fashion-MNIST."""
    write_fashion(tmp_path)
    return tmp_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One epoch of each fit."""
    for module, name in (
        (image_recognition, "LENET_FIT"),
        (image_recognition, "RESNET_FIT"),
        (image_specificity, "FIT"),
    ):
        monkeypatch.setattr(module, name, replace(getattr(module, name), epochs=1))
    fits = image_autoencoder.FITS
    monkeypatch.setattr(image_autoencoder, "FITS", [replace(each, epochs=1) for each in fits])
    monkeypatch.setattr(image_few_labels, "EPOCHS", (1,))


def printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> str:
    threads = torch.get_num_threads()
    monkeypatch.setattr("sys.argv", ["images", *words])
    assert command.main() == 0
    torch.set_num_threads(threads)
    return capsys.readouterr().out


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("task", command.TASKS)
def test_each_task_prints_its_figures(
    task: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ("--task", task, "--data", str(folder), "--seeds", "0,1", "--limit", "150", "--json")
    figures = json.loads(printed(capsys, monkeypatch, *words))
    assert set(figures["seeds"]) == {"0", "1"}
    assert set(figures["mean"]) == set(figures["deviation"])
    shares = [v for name, v in figures["mean"].items() if name not in ("seconds", "labels")]
    assert shares
    assert all(0 <= share <= 1 for share in shares)
    assert "± " in command.table(figures)


def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["images", "--data", str(tmp_path / "nowhere")])
    assert command.main() == 1
    assert "nowhere" in capsys.readouterr().err
    packed = gzip.compress(bytes(1000))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed[:20])
    monkeypatch.setattr("sys.argv", ["images", "--data", str(tmp_path)])
    assert command.main() == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "needs --data"),
        (("--task", "digits", "--seeds", "one"), "whole numbers"),
        (("--task", "digits", "--draw"), "goes with --task specificity"),
        (("--task", "digits", "--limit", "5"), "at least 100"),
    ],
)
def test_misuse_is_told(
    words: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["images", *words])
    with pytest.raises(SystemExit):
        command.main()
    assert told in capsys.readouterr().err


def test_pictures_are_read_as_they_are_written(folder: Path) -> None:
    train, test = fashion_mnist(folder, 30)
    assert train.images.shape == (30, 1, 28, 28)
    assert test.labels.tolist() == list(range(10)) * 3
    raw = read_idx(folder / "train-images-idx3-ubyte.gz")
    assert torch.equal((train.images[:, 0] * 255).round().to(torch.uint8), raw[:30])


def test_a_cut_has_each_class_alike_and_nothing_twice(folder: Path) -> None:
    train, _ = fashion_mnist(folder)
    rest, held = cut(train, 20, 0)
    assert held.labels.bincount().tolist() == [2] * 10
    assert len(torch.cat([rest.rows, held.rows]).unique(dim=0)) == 100
    assert digits(32).images.shape == (1797, 1, 32, 32)


def test_precision_counts_the_ten_nearest() -> None:
    at = torch.arange(30.0)[:, None]
    gallery = Labelled(at[:, None, None], (torch.arange(30) >= 15).long())
    query = Labelled(torch.zeros(1, 1, 1, 1), torch.tensor([0]))
    assert precision(at, gallery, torch.tensor([[3.0]]), query) == 1
    assert precision(at, gallery, torch.tensor([[13.9]]), query) == 0.6


def test_the_figure_has_a_panel_for_each_class_trained_on() -> None:
    errors = {name: 0.01 * (number + 1) for number, name in enumerate(CLASSES)}
    drawn = image_specificity.figure({"sandal": errors, "trouser": errors})
    assert drawn.count("<rect") == 1 + 2 * len(CLASSES)
    assert drawn.count("#33658a") == 2
    assert "trained on trouser" in drawn
