"""The benchmark of strange rows: its splits, its cut, its table, and what it skips."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import anomaly, anomaly_peers
from benchmarks.anomaly_sets import MAX_ROWS, SetError, labelled_sets, one_class, unsupervised
from benchmarks.anomaly_table import Measured, compared


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    x = np.vstack([rng.normal(size=(60, 3)), rng.normal(6, 1, size=(6, 3))])
    np.savez(tmp_path / "easy.npz", X=x, y=np.repeat([0, 1], [60, 6]))
    return tmp_path


def test_large_sets_are_cut_by_one_permutation(tmp_path: Path) -> None:
    x, y = np.arange(20_002.0)[:, None], np.arange(20_002) % 2
    np.savez(tmp_path / "large.npz", X=x, y=y)
    (cut,) = labelled_sets(tmp_path)
    kept = np.random.RandomState(0).permutation(20_002)[:MAX_ROWS]
    assert np.array_equal(cut.x[:, 0], kept)
    assert np.array_equal(cut.y, kept % 2)


def test_one_class_fits_on_half_of_the_normals_and_scores_the_rest(folder: Path) -> None:
    (labelled,) = labelled_sets(folder)
    split = one_class(labelled, 0)
    assert len(split.train) == 30
    assert split.y.sum() == 6
    together = np.vstack([split.train, split.test])
    assert np.array_equal(np.sort(together, axis=0), np.sort(labelled.x, axis=0))
    assert unsupervised(labelled, 0).train is unsupervised(labelled, 0).test


def test_ranks_wins_ties_and_losses_are_counted() -> None:
    sets = []
    for ours, theirs in ((0.9, 0.8), (0.9, 0.901), (0.5, 0.6)):
        measured = Measured(str(ours + theirs))
        measured.add("hourglass", auroc=ours, ap=0.5, seconds=1.0)
        measured.add("other", auroc=theirs, ap=0.4, seconds=2.0)
        sets.append(measured)
    figures = compared(sets, ["hourglass", "other"])
    other = figures["detectors"]["other"]
    assert (other["wins"], other["ties"], other["losses"]) == (1, 1, 1)
    assert other["mean_rank"] == pytest.approx(4 / 3)
    assert figures["seconds"] == 3.0


def test_prints_one_document_and_skips_absent_peers_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(anomaly_peers, "find_spec", lambda package: None)
    chosen = "hourglass,hourglass-fast,sklearn-knn-5,pyod-knn"
    command = ["anomaly", "--data", str(folder), "--protocol", "one-class", "--seeds", "0"]
    monkeypatch.setattr(sys, "argv", [*command, "--detectors", chosen, "--json"])
    assert anomaly.main() == 0
    printed = capsys.readouterr()
    figures = json.loads(printed.out)
    assert figures["skipped"] == ["pyod-knn"]
    assert "pyod-knn is skipped: pyod is not installed (make peers)" in printed.err
    assert figures["mean_auroc"] == figures["sets"]["easy"]["auroc"] > 0.99
    assert figures["detectors"]["sklearn-knn-5"]["ties"] == 1


@pytest.mark.parametrize("form", [["--json"], []])
def test_a_detector_that_leaves_rows_without_a_score_has_failed_by_name(
    form: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Silent:
        def fit(self, rows: np.ndarray) -> None:
            self.decision_scores_ = np.append(np.zeros(len(rows) - 1), np.nan)

    monkeypatch.setattr(anomaly_peers, "import_module", lambda name: SimpleNamespace(KNN=Silent))
    monkeypatch.setattr(anomaly, "missing_package", lambda name: None)
    command = ["anomaly", "--data", str(folder), "--detectors", "sklearn-knn-5,pyod-knn"]
    monkeypatch.setattr(sys, "argv", [*command, "--seeds", "0", *form])
    assert anomaly.main() == 0
    printed = capsys.readouterr()
    assert "easy pyod-knn failed: 1 of 66 scores with seed 0 are no numbers." in printed.err
    if form:
        figures = json.loads(printed.out)
        assert figures["failed"] == {"pyod-knn": ["easy"]}
        assert set(figures["detectors"]) == {"sklearn-knn-5"}
    else:
        assert printed.out.endswith("pyod-knn failed on easy\n")


def test_labels_are_measured_on_the_rows_that_nobody_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    x = np.vstack([rng.normal(size=(60, 3)), rng.normal(6, 1, size=(6, 3)), np.zeros((2, 3))])
    np.savez(folder / "half.npz", X=x, y=np.repeat([0, 1], [60, 8]))
    command = ["anomaly", "--task", "labels", "--data", str(folder), "--seeds", "0"]
    monkeypatch.setattr(sys, "argv", [*command, "--json"])
    assert anomaly.main() == 0
    figures = json.loads(capsys.readouterr().out)
    # Six anomalies come first: five labels are all right, after ten those are left that hide.
    easy, half = figures["sets"]["easy"], figures["sets"]["half"]
    assert (easy["5"]["of_both"], easy["5"]["ap_before"], easy["5"]["ap_after"]) == (0, 1.0, 1.0)
    assert easy["10"] == {"runs": 0}
    assert (half["10"]["of_both"], half["10"]["runs"]) == (1, 1)
    assert half["10"]["ap_before"] < 0.5
    assert figures["labels"]["10"] == half["10"]


def test_files_that_are_no_sets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SetError, match="no .npz files"):
        list(labelled_sets(tmp_path))
    np.savez(tmp_path / "other.npz", Z=np.ones(3))
    with pytest.raises(SetError, match=r"other.npz has no arrays X and y"):
        list(labelled_sets(tmp_path))


def test_some_sets_are_measured_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(folder / "other.npz", X=np.random.default_rng(1).normal(size=(20, 2)), y=[0, 1] * 10)
    asked = ["anomaly", "--data", str(folder), "--seeds", "0", "--detectors", "sklearn-knn-5"]
    monkeypatch.setattr(sys, "argv", [*asked, "--sets", "easy", "--json"])
    assert anomaly.main() == 0
    assert list(json.loads(capsys.readouterr().out)["sets"]) == ["easy"]
    monkeypatch.setattr(sys, "argv", [*asked, "--sets", "hard"])
    assert anomaly.main() == 1
    assert "unknown sets: hard; there are easy, other" in capsys.readouterr().err
