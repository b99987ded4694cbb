"""The weak protocol on a tiny folder, and its formula."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from benchmarks import recommenders
from benchmarks.protocols import as_lightgcn, weak
from pipelines.errors import InvalidInput
from pipelines.training.evaluate import Evaluation
from pipelines.training.run_config import named_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Even users have even items, odd ones odd items; one of each user's is in the test."""
    lines: dict[str, list[str]] = {"train.txt": [], "test.txt": []}
    for user in range(30):
        items = [item for item in range(20) if item % 2 == user % 2]
        test = items.pop(user // 2 % 10)
        lines["train.txt"].append(" ".join(map(str, [user, *items])))
        lines["test.txt"].append(f"{user} {test}")
    for name, content in lines.items():
        (tmp_path / name).write_text("\n".join(content) + "\n")
    return tmp_path


def test_recall_is_over_all_of_the_test_items() -> None:
    test_x = sparse.csr_array(np.ones((1, 50)))
    ours = Evaluation({"recall@20": np.array([1.0]), "ndcg@20": np.array([0.5])})
    theirs = as_lightgcn(ours, test_x)
    assert theirs.per_user["recall@20"][0] == pytest.approx(20 / 50)
    assert theirs.per_user["ndcg@20"][0] == 0.5


def test_the_one_test_item_of_each_user_comes_first(folder: Path) -> None:
    measured = weak(folder, named_run("ease"), lambda _: None)
    assert measured.test.mean("recall@20") == 1
    assert measured.test.mean("ndcg@20") == pytest.approx(1)
    assert len(measured.chosen["regularisation"]) == 1


def test_the_command_prints_one_document_with_the_figures(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["x", "--data", str(folder), "--protocol", "weak", "--config", "edlae", "--json"]
    monkeypatch.setattr("sys.argv", [*arguments, "--set", "network.regularisation=[7]"])
    assert recommenders.main() == 0
    figures = json.loads(capsys.readouterr().out)
    assert {"config", "recall@20", "recall@50", "ndcg@20", "ndcg@100", "se"} <= set(figures)
    assert {"selection_seconds", "fit_seconds", "peak_rss_mb"} <= set(figures)
    assert figures["chosen"] == {}  # all was given
    assert 0 < figures["validation"] <= 1


def test_several_seeds_are_averaged_with_their_differences_to_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["x", "--data", str(folder), "--protocol", "weak", "--config", "edlae", "--json"]
    monkeypatch.setattr("sys.argv", [*arguments, "--seed", "1,2", "--against", "ease,spectral"])
    assert recommenders.main() == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["mean"]["seeds"] == [each["seed"] for each in figures["seeds"]] == [1, 2]
    values = [each["difference"]["spectral"]["ndcg@20"]["mean"] for each in figures["seeds"]]
    assert figures["mean"]["difference"]["spectral"]["ndcg@20"] == {
        "mean": pytest.approx(np.mean(values)),
        "se": pytest.approx(np.std(values, ddof=1) / 2**0.5),
    }


def test_a_folder_without_the_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"train\.txt"):
        weak(tmp_path, named_run("ease"), lambda _: None)
