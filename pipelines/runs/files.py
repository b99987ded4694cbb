"""The files of one run: what it read, how far its fit is, how it judged. Gone when it is done.

Each appears whole or not at all, so that a step that died can be begun again. Not the artifact:
that is in the store, and stays.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse

from pipelines.content.features import ItemContent
from pipelines.data.interactions import InteractionMatrix
from pipelines.data.vocabulary import Vocabulary
from pipelines.errors import NotReady
from pipelines.registry.store import Store
from pipelines.runs import trees
from pipelines.runs.folders import CHECKPOINTS, SNAPSHOTS
from pipelines.training.checkpoints import Best, Checkpoint, Epoch
from pipelines.training.evaluate import Evaluation
from pipelines.watch.trusted import LeftOut


@dataclass(frozen=True)
class Snapshot:
    """The interactions, and the content of items, as a run saw them; `cut_off` is the time of the
    newest interaction.
    """

    matrix: InteractionMatrix
    cut_off: datetime | None
    contents: tuple[ItemContent, ...] = ()
    image_artifact_id: str | None = None
    """Of whom the image embeddings among the contents are."""
    left_out: LeftOut | None = None
    """Who was left out of the matrix; None where nobody asked."""


@dataclass(frozen=True)
class Judgement:
    """How the network and popularity ranked for each test user; None when nobody was held out."""

    test: Evaluation | None
    popularity: Evaluation | None


class RunFiles:
    """The files of the run of this id, in the folders `snapshots` and `checkpoints` of the home."""

    def __init__(self, home: Path, run_id: str, *, part: str = "") -> None:
        self._home = home
        self._run_id = run_id
        self._part = part
        self._store = Store(str(home))
        self._snapshot = f"{SNAPSHOTS}/{run_id}"
        self._checkpoints = f"{CHECKPOINTS}/{run_id}"

    def write_snapshot(self, snapshot: Snapshot) -> None:
        """Keep what the run is to see."""
        x, cut_off = snapshot.matrix.x, snapshot.cut_off
        tree = {
            "offsets": torch.from_numpy(x.indptr),
            "item_nums": torch.from_numpy(x.indices),
            "weights": torch.from_numpy(x.data),
            "values": snapshot.matrix.values,
            "user_ids": snapshot.matrix.user_ids,
            "item_ids": snapshot.matrix.vocabulary.item_ids,
            "cut_off": None if cut_off is None else cut_off.isoformat(),
            **_content_tree(snapshot.contents),
            "image_artifact_id": snapshot.image_artifact_id,
            "left_out": None if snapshot.left_out is None else asdict(snapshot.left_out),
        }
        self._write(f"{self._snapshot}/interactions.safetensors", tree)

    def read_snapshot(self) -> Snapshot:
        """What was kept. Raises NotReady where another home holds it."""
        tree = self._read(f"{self._snapshot}/interactions.safetensors")
        if tree is None:
            raise self.elsewhere()
        offsets, item_nums = tree["offsets"].numpy(), tree["item_nums"].numpy()
        shape = (len(tree["user_ids"]), len(tree["item_ids"]))
        x = sparse.csr_array((tree["weights"].numpy(), item_nums, offsets), shape=shape)
        vocabulary = Vocabulary(tree["item_ids"])
        matrix = InteractionMatrix(x, tree["user_ids"], vocabulary, tree["values"])
        cut_off = tree["cut_off"]
        moment = None if cut_off is None else datetime.fromisoformat(cut_off)
        left_out = None if tree.get("left_out") is None else LeftOut(**tree["left_out"])
        return Snapshot(matrix, moment, _contents(tree), tree["image_artifact_id"], left_out)

    def load(self) -> Checkpoint | None:
        """The last checkpoint of the fit, if any."""
        tree = self._read(self._in_part("fit"))
        if tree is None:
            return None
        best = None if tree["best"] is None else Best(**tree["best"])
        epochs = tuple(Epoch(**epoch) for epoch in tree["epochs"])
        return Checkpoint(**{**tree, "best": best, "epochs": epochs})

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep this checkpoint in place of the one before."""
        best = checkpoint.best
        tree = {
            **vars(checkpoint),
            "epochs": [asdict(epoch) for epoch in checkpoint.epochs],
            "best": None if best is None else vars(best),
        }
        self._write(self._in_part("fit"), tree)

    def part(self, name: str) -> "RunFiles":
        """The same files, but for the checkpoint and the notes, which are those of one part."""
        return RunFiles(self._home, self._run_id, part=f"{self._part}{name}/")

    def load_notes(self) -> dict[str, Any] | None:
        """What was last noted of the parts, if anything."""
        notes: dict[str, Any] | None = self._read(self._in_part("notes"))
        return notes

    def save_notes(self, notes: dict[str, Any]) -> None:
        """Keep these notes in place of those before."""
        self._write(self._in_part("notes"), notes)

    def _in_part(self, name: str) -> str:
        return f"{self._checkpoints}/{self._part}{name}.safetensors"

    def write_judgement(self, judgement: Judgement) -> None:
        """Keep what the gate needs."""
        tree = {name: _tensors(evaluation) for name, evaluation in vars(judgement).items()}
        self._write(f"{self._checkpoints}/judgement.safetensors", tree)

    def read_judgement(self) -> Judgement:
        """What was kept."""
        tree = trees.from_bytes(self._store.read(f"{self._checkpoints}/judgement.safetensors"))
        return Judgement(**{name: _evaluation(tensors) for name, tensors in tree.items()})

    def elsewhere(self) -> NotReady:
        """The error for a snapshot that is not here."""
        return NotReady(
            "The snapshot of this run is not in HOURGLASS_HOME: workers of one database need "
            "the same home. Start the run again."
        )

    def _write(self, path: str, tree: Any) -> None:
        self._store.write(path, trees.to_bytes(tree), writer="run")

    def _read(self, path: str) -> Any:
        try:
            return trees.from_bytes(self._store.read(path))
        except FileNotFoundError:
            return None


def _content_tree(contents: tuple[ItemContent, ...]) -> dict[str, Any]:
    """Embeddings as one tensor (n_imaged, width): as JSON they would be slow, and large."""
    images = {num: each.image for num, each in enumerate(contents) if each.image is not None}
    vectors = np.stack(list(images.values())) if images else np.empty((0, 0), dtype=np.float32)
    return {
        "contents": tuple(each._replace(image=None) for each in contents),
        "imaged": tuple(images),
        "images": torch.from_numpy(vectors),
    }


def _contents(tree: Mapping[str, Any]) -> tuple[ItemContent, ...]:
    images = dict(zip(tree["imaged"], tree["images"].numpy(), strict=True))
    contents = (ItemContent(*content) for content in tree["contents"])
    return tuple(each._replace(image=images.get(num)) for num, each in enumerate(contents))


def _tensors(evaluation: Evaluation | None) -> dict[str, torch.Tensor] | None:
    if evaluation is None:
        return None
    return {name: torch.from_numpy(values) for name, values in evaluation.per_user.items()}


def _evaluation(tensors: dict[str, torch.Tensor] | None) -> Evaluation | None:
    if tensors is None:
        return None
    return Evaluation({name: values.numpy() for name, values in tensors.items()})
