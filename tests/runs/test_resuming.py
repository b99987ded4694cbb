"""A fit interrupted after any epoch ends as one that was not; files come back as written."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.catalog import kinds_of
from pipelines.content.features import ItemContent
from pipelines.data.splits import strong_generalisation
from pipelines.runs import trees
from pipelines.runs.files import RunFiles, Snapshot
from pipelines.runs.folders import remove_files
from pipelines.training.checkpoints import Checkpoint, InMemory
from pipelines.training.fit import Fitted
from pipelines.training.fit_run import fit_run
from pipelines.training.progress import Progress
from pipelines.training.run_config import RunConfig, run_config_of
from tests.worlds import two_tastes

SPLIT = strong_generalisation(two_tastes(60), 42)


def config(kind: str) -> RunConfig:
    options = {"epochs": 5, "batch_size": 16, "learning_rate": 0.01}
    data = {"values": "rating"} if kind == "rating" else {}
    return run_config_of({"name": "x", "kind": kind, "data": data, "fit": options})


def nothing(_progress: Progress) -> None:
    pass


class Interrupted(Exception):
    """Raised after an epoch, once its checkpoint is on disk."""


class Interrupting(RunFiles):
    """The checkpoints of some files, that fail once so many are saved, in whatever part."""

    def __init__(self, files: RunFiles, after: int) -> None:
        self.files, self.left = files, [after]

    def part(self, name: str) -> "Interrupting":
        part = Interrupting(self.files.part(name), 0)
        part.left = self.left
        return part

    def load(self) -> Checkpoint | None:
        return self.files.load()

    def save(self, checkpoint: Checkpoint) -> None:
        self.files.save(checkpoint)
        self.left[0] -= 1
        if not self.left[0]:
            raise Interrupted


def interrupted(config: RunConfig, files: RunFiles, after: int) -> Fitted:
    with pytest.raises(Interrupted):
        fit_run(SPLIT, config, checkpoints=Interrupting(files, after), on_progress=nothing)
    return fit_run(SPLIT, config, checkpoints=files, on_progress=nothing)


@pytest.mark.parametrize("kind", kinds_of("interactions"))
def test_an_interrupted_fit_ends_bit_identical(kind: str, tmp_path: Path) -> None:
    whole = fit_run(SPLIT, config(kind), checkpoints=InMemory(), on_progress=nothing)
    weights = whole.network.state_dict()
    n_checkpoints = len(whole.epochs) + len(whole.settled.network.get("members", ["itself"]))
    for after in {1, n_checkpoints // 2 or 1, n_checkpoints - 1 or 1, n_checkpoints}:
        resumed = interrupted(config(kind), RunFiles(tmp_path, f"run-{after}"), after)
        assert resumed.epochs == whole.epochs
        for name, tensor in resumed.network.state_dict().items():
            assert torch.equal(tensor, weights[name]), (after, name)


def test_epochs_that_are_done_are_not_repeated(tmp_path: Path) -> None:
    epochs: list[int] = []
    files = RunFiles(tmp_path, "r")
    with pytest.raises(Interrupted):
        fit_run(SPLIT, config("denoising"), checkpoints=Interrupting(files, 3), on_progress=nothing)
    fit_run(
        SPLIT, config("denoising"), checkpoints=files, on_progress=lambda p: epochs.append(p.epoch)
    )
    assert sorted(set(epochs) - {0}) == [4, 5]  # 0: before the first epoch


def test_a_snapshot_comes_back_as_it_was(tmp_path: Path) -> None:
    matrix = two_tastes(20)
    files = RunFiles(tmp_path, "r")
    files.write_snapshot(Snapshot(matrix, None))
    read = files.read_snapshot()
    assert read.matrix.digest() == matrix.digest()
    assert (read.matrix.x != matrix.x).nnz == 0
    assert read.cut_off is None
    remove_files(tmp_path, "r")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_content_in_a_snapshot_comes_back_as_it_was(tmp_path: Path) -> None:
    images = np.arange(4, dtype=np.float32).reshape(2, 2)
    contents = (
        ItemContent("a", ("rock",), "Blue", images[0]),
        ItemContent("b", (), "Red"),
        ItemContent("c", (), "", images[1]),
    )
    files = RunFiles(tmp_path, "r")
    files.write_snapshot(Snapshot(two_tastes(20), None, contents, "images-1"))
    read = files.read_snapshot()
    assert read.image_artifact_id == "images-1"
    assert [each[:3] for each in read.contents] == [each[:3] for each in contents]
    assert read.contents[1].image is None
    np.testing.assert_array_equal([read.contents[0].image, read.contents[2].image], images)


LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
KEYS = st.text(max_size=3) | st.integers()
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(TREES)
def test_a_tree_comes_back_as_it_was(tree: object) -> None:
    assert trees.from_bytes(trees.to_bytes(tree)) == tree


def test_tensors_come_back_with_type_and_shape_also_when_they_share_memory() -> None:
    whole = torch.arange(6, dtype=torch.int64).reshape(2, 3)
    tree = {"a": whole, "b": [whole.T, torch.tensor(1.5), torch.empty(0)], "c": whole}
    read = trees.from_bytes(trees.to_bytes(tree))
    assert torch.equal(read["a"], whole)
    assert torch.equal(read["b"][0], whole.T)
    assert read["b"][1].shape == ()
    assert read["b"][2].dtype == torch.float32
