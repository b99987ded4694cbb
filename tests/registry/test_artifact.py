"""Artifacts on disk: whole, checked, the same for the same data."""

import json
from pathlib import Path

import pytest
import torch

from pipelines.data.splits import strong_generalisation
from pipelines.errors import DamagedArtifact
from pipelines.registry.artifact import Packed, pack, read_artifact, write_artifact
from pipelines.registry.store import Store
from pipelines.training.run_config import RunConfig, named_run, run_config_of
from pipelines.training.train import Trained, train
from tests.worlds import two_tastes

SMALL = {"hidden_dims": [16], "latent_dim": 4}


def config(seed: int = 42) -> RunConfig:
    values = named_run("denoising").values()
    values["network"].update(SMALL)
    values["fit"]["epochs"] = 3
    return run_config_of({**values, "seed": seed})


def trained(seed: int = 42) -> Trained:
    split = strong_generalisation(two_tastes(60), seed)
    return train(split, config(seed), on_progress=lambda _: None)


@pytest.fixture(scope="module")
def packed() -> Packed:
    return pack(trained(), {"data": {"n_users": 60}})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "artifacts"))


def test_an_artifact_read_back_answers_to_the_digit(store: Store) -> None:
    original = trained()
    packed = pack(original, {})
    write_artifact(store, packed)
    artifact = read_artifact(store, packed.artifact_id)
    x = original.split.train
    from pipelines.data.interactions import to_rows

    assert torch.equal(artifact.network.logits(to_rows(x)), original.network.logits(to_rows(x)))
    kept, made = artifact.calibration, original.calibration
    assert torch.equal(kept.scores, made.scores)
    assert torch.equal(kept.surprises, made.surprises)
    assert torch.equal(kept.scale.usual.curve, made.scale.usual.curve)
    assert kept.scale.temperature == made.scale.temperature
    assert artifact.vocabulary == original.vocabulary
    assert artifact.config == config()


def test_same_data_and_seed_give_the_same_id_and_another_seed_another(packed: Packed) -> None:
    assert pack(trained(), {"data": {"n_users": 60}}).artifact_id == packed.artifact_id
    assert pack(trained(7), {}).artifact_id != packed.artifact_id


def test_writing_twice_changes_nothing_and_leaves_no_temporary_file(
    store: Store, packed: Packed, tmp_path: Path
) -> None:
    write_artifact(store, packed)
    write_artifact(store, packed)
    names = {path.name for path in (tmp_path / "artifacts" / packed.artifact_id).iterdir()}
    assert names == {"weights.safetensors", "vocabulary.json", "manifest.json"}


@pytest.mark.parametrize("name", ["weights.safetensors", "vocabulary.json", "manifest.json"])
def test_a_changed_byte_in_any_file_is_refused(
    name: str, store: Store, packed: Packed, tmp_path: Path
) -> None:
    write_artifact(store, packed)
    path = tmp_path / "artifacts" / packed.artifact_id / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedArtifact, match="Promote another artifact"):
        read_artifact(store, packed.artifact_id)


def test_no_path_leads_out_of_a_store(store: Store, tmp_path: Path) -> None:
    for call in (store.read, store.remove, store.names, lambda path: store.write(path, b"x")):
        with pytest.raises(ValueError, match="out of the store"):
            call("a/../../x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["weights.safetensors", "vocabulary.json", "manifest.json"])
def test_a_missing_file_is_named(name: str, store: Store, packed: Packed, tmp_path: Path) -> None:
    write_artifact(store, packed)
    (tmp_path / "artifacts" / packed.artifact_id / name).unlink()
    with pytest.raises(DamagedArtifact, match=name):
        read_artifact(store, packed.artifact_id)


def test_the_manifest_names_kind_config_seed_and_checksums(packed: Packed) -> None:
    manifest = json.loads(packed.files["manifest.json"])
    assert manifest["kind"] == "denoising"
    assert manifest["run"]["seed"] == 42
    assert set(manifest["sha256"]) == {"weights.safetensors", "vocabulary.json"}


def test_a_store_in_memory_works_like_a_folder(packed: Packed) -> None:
    store = Store("memory://hourglass-test")
    write_artifact(store, packed)
    assert read_artifact(store, packed.artifact_id).artifact_id == packed.artifact_id
