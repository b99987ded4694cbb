"""An artifact: a trained network with all that is needed to serve it. Data, never a pickle.

`weights.safetensors` (the network's tensors and the calibration scores), `vocabulary.json`, with a
content tower `content.json`, and `manifest.json`, which names the sha256 of the others. The
artifact's id is made of the manifest's own sha256: equal data, seed and libraries give an equal
id on equal processors, whenever.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from
from safetensors.torch import save as bytes_of
from torch import Tensor

from models.autoencoders.base import Network
from models.catalog import build
from models.scoring.calibrated import Calibration
from pipelines.content.tower import ContentTower
from pipelines.data.vocabulary import Vocabulary
from pipelines.data.weighting import Weighting
from pipelines.errors import DamagedArtifact
from pipelines.registry.calibration_tensors import calibration_tensors, take_calibration
from pipelines.registry.content_files import (
    CONTENT,
    PREFIX,
    read_tower,
    tower_json,
    tower_tensors,
)
from pipelines.registry.store import Store
from pipelines.registry.training_inputs import TrainingInputs, inputs_tensors, take_inputs
from pipelines.training.run_config import RunConfig, run_config_of
from pipelines.training.train import Trained

WEIGHTS, VOCABULARY, MANIFEST = "weights.safetensors", "vocabulary.json", "manifest.json"
IMPORTANCE = "importance"
"""Name of the tensor of what each item counts, where the weighting has such."""


@dataclass(frozen=True)
class Artifact:
    """A network ready to answer."""

    artifact_id: str
    config: RunConfig
    network: Network
    vocabulary: Vocabulary
    weighting: Weighting
    calibration: Calibration
    tower: ContentTower | None = None
    inputs: TrainingInputs | None = None
    """What it was trained on; None: trained before that was kept."""


@dataclass(frozen=True)
class Packed:
    """An artifact as files: name -> bytes, the manifest among them."""

    artifact_id: str
    manifest: dict[str, Any]
    files: dict[str, bytes]


def pack(
    trained: Trained,
    facts: Mapping[str, Any],
    *,
    tower: ContentTower | None = None,
    inputs: TrainingInputs | None = None,
) -> Packed:
    """The files of a trained network; `facts` is what the manifest says besides.

    Facts must not hold times or names of this run: they would give equal artifacts other ids.
    """
    config, weighting = trained.run, trained.split.weighting
    tensors = {
        **{f"network.{name}": t for name, t in trained.network.state_dict().items()},
        **_weighting_tensors(weighting),
        **calibration_tensors(trained.calibration),
        **({} if tower is None else tower_tensors(tower)),
        **({} if inputs is None else inputs_tensors(inputs)),
    }
    files = {
        WEIGHTS: bytes_of(tensors),
        VOCABULARY: json.dumps(trained.vocabulary.item_ids, ensure_ascii=False).encode(),
        **({} if tower is None else {CONTENT: tower_json(tower)}),
    }
    about = {
        "kind": config.kind,
        "run": config.values(),
        "weighting": {"liked": weighting.liked, "mean_length": weighting.mean_length},
        **facts,
        **({} if tower is None else {"content": dict(tower.facts)}),
    }
    return pack_files(config.name, files, about)


def pack_files(name: str, files: Mapping[str, bytes], about: Mapping[str, Any]) -> Packed:
    """An artifact of these files and of what the manifest says besides their checksums."""
    manifest = {
        "format": 1,
        **about,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    content = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False).encode()
    artifact_id = f"{name}-{_short_digest(content)}"
    return Packed(artifact_id, manifest, {**files, MANIFEST: content})


def _weighting_tensors(weighting: Weighting) -> dict[str, Tensor]:
    if weighting.importance is None:
        return {}
    return {IMPORTANCE: torch.from_numpy(weighting.importance)}


def write_artifact(store: Store, packed: Packed, *, writer: str | None = None) -> None:
    """Write the files, the manifest last: an artifact without one was never finished.

    writer: see `Store.write`.
    """
    for name, content in packed.files.items():
        store.write(f"{packed.artifact_id}/{name}", content, writer=writer)


def read_artifact(store: Store, artifact_id: str) -> Artifact:
    """Read an artifact back. Raises DamagedArtifact unless every checksum holds."""
    manifest, files = read_files(store, artifact_id)
    tensors = read_tensors(artifact_id, files[WEIGHTS])
    config = run_config_of(manifest["run"])
    item_ids = Vocabulary(tuple(json.loads(files[VOCABULARY])))
    calibration = take_calibration(tensors)
    importance = tensors.pop(IMPORTANCE, None)
    weighting = Weighting(
        config.data.values,
        **manifest["weighting"],
        importance=None if importance is None else importance.numpy(),
    )
    tower = read_tower(files[CONTENT], tensors) if CONTENT in files else None
    inputs = take_inputs(tensors)
    network = _network(config, len(item_ids), tensors)
    return Artifact(artifact_id, config, network, item_ids, weighting, calibration, tower, inputs)


def read_files(store: Store, artifact_id: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the files. Raises DamagedArtifact unless every checksum holds."""
    content = _read(store, artifact_id, MANIFEST)
    if not artifact_id.endswith(f"-{_short_digest(content)}"):
        raise _damaged(artifact_id, f"{MANIFEST} is not the one that gave the artifact its id")
    manifest = json.loads(content)
    files = {
        name: _checked(store, artifact_id, name, sha256)
        for name, sha256 in manifest["sha256"].items()
    }
    return manifest, files


def read_tensors(artifact_id: str, content: bytes) -> dict[str, Tensor]:
    """The tensors of a file. Raises DamagedArtifact."""
    try:
        return tensors_from(content)
    except SafetensorError as error:
        raise _damaged(artifact_id, str(error)) from error


def _network(config: RunConfig, n_items: int, tensors: Mapping[str, Tensor]) -> Network:
    generator = torch.Generator().manual_seed(config.seed)
    network = build(config.kind, config.network, n_items=n_items, generator=generator)
    state = {name: t for name, t in tensors.items() if not name.startswith(PREFIX)}
    own = {name.removeprefix("network."): t for name, t in state.items()}
    network.load_state_dict(own, assign=True)
    return network.eval().requires_grad_(False)


def _short_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _checked(store: Store, artifact_id: str, name: str, sha256: str) -> bytes:
    content = _read(store, artifact_id, name)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(artifact_id, f"{name} differs from its checksum")
    return content


def _read(store: Store, artifact_id: str, name: str) -> bytes:
    try:
        return store.read(f"{artifact_id}/{name}")
    except FileNotFoundError:
        raise _damaged(artifact_id, f"{name} is missing") from None


def _damaged(artifact_id: str, why: str) -> DamagedArtifact:
    return DamagedArtifact(
        f"Artifact {artifact_id} is damaged: {why}. Promote another artifact, or train again."
    )
