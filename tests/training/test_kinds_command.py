"""`python -m benchmarks.kinds`: every named run on a folder, and what is kept of it."""

import json
from pathlib import Path

import pytest

from benchmarks import figures, kinds
from pipelines.training.named import run_names
from pipelines.training.run_config import named_run, with_options


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty users; even ones have even items, odd ones odd items."""
    lines = [
        f"{user} " + " ".join(str(item) for item in range(24) if item % 2 == user % 2)
        for user in range(60)
    ]
    for name, part in (("train.txt", lines[:40]), ("test.txt", lines[40:])):
        (tmp_path / name).write_text("\n".join(part) + "\n")
    return tmp_path


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store and a page of figures of the test's own."""
    page = tmp_path / "models.md"
    page.write_text(f"before\n{figures.begin('linear')}\n\nold\n\n{figures.END}\nafter\n")
    monkeypatch.setattr(figures, "PAGE", page)
    monkeypatch.setattr(figures, "STORE", tmp_path / "figures.json")
    figures.STORE.write_text("{}")
    return page


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *options: str) -> int:
    monkeypatch.setattr("sys.argv", ["x", "--data", str(folder), *options])
    return kinds.main()


def test_figures_are_printed_kept_and_shown_on_the_page(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, folder, "--runs", "ease", "--seed", "7", "--write") == 0
    *_, row = capsys.readouterr().out.splitlines()
    assert row.startswith(f"| `ease` | {folder.name}, 7 | ")
    before, *_, shown, _, _, after = kept.read_text().splitlines()
    assert (before, after) == ("before", "after")
    assert shown.split(" | ")[:4] == row.split(" | ")[:4]
    figure = figures.read_figures()["ease"][folder.name]
    assert figure.metrics["ndcg@100"] > figure.plain["ndcg@100"]


def test_without_write_nothing_is_kept_and_json_is_one_document(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, folder, "--runs", "ease", "autorec-user", "--json") == 0
    printed = capsys.readouterr()
    assert set(json.loads(printed.out)) == {"ease"}
    assert "autorec-user learns from ratings" in printed.err
    assert figures.read_figures() == {}


def test_a_run_that_cannot_be_done_is_named_and_the_others_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, folder, "--runs", "eaze", "convolutional", "ease", "--json") == 1
    printed = capsys.readouterr()
    assert "Did you mean 'ease'?" in printed.err
    assert "convolutional: " in printed.err
    assert set(json.loads(printed.out)) == {"ease"}


def test_a_run_on_ratings_is_measured_by_how_near_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ratings = [
        f"{user},{item},{5 if user % 2 == item % 2 else 1}"
        for user in range(60)
        for item in range(24)
        if (3 * user + 5 * item) % 7 > 1
    ]
    (tmp_path / "ratings.csv").write_text("\n".join(["user_id,item_id,weight", *ratings, ""]))
    monkeypatch.setattr(kinds, "named_run", lambda name: with_options(named_run(name), epochs=2))
    assert run(monkeypatch, tmp_path / "ratings.csv", "--runs", "autorec-deep", "--json") == 0
    figure = json.loads(capsys.readouterr().out)["autorec-deep"]
    assert list(figure["metrics"]) == ["rmse"]
    assert 0 < figure["metrics"]["rmse"] < 2.1  # a guess of the mean is 2 off


def test_without_names_every_run_on_interactions_but_auto_is_measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kinds, "named_run", lambda name: with_options(named_run(name), epochs=1))
    assert run(monkeypatch, folder, "--json") == 0
    printed = capsys.readouterr()
    ratings = {"autorec-item", "autorec-user", "autorec-deep"}
    left_out = {"auto", "convolutional", *ratings}
    assert set(json.loads(printed.out)) == set(run_names()) - left_out
    assert "autorec-item learns from ratings" in printed.err
