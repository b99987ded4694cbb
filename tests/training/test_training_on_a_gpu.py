"""Whole fits on a GPU, a pretend one and a real one if any: judged, interrupted, read back."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from models.autoencoders.denoising import DenoisingAutoencoder
from models.autoencoders.joint import Member
from models.devices import DeviceName
from pipelines.data.splits import Split, strong_generalisation
from pipelines.errors import InvalidInput
from pipelines.images.catalogue import ImageRows
from pipelines.images.split import ImageExamples, split_images
from pipelines.registry.artifact import pack, read_artifact, write_artifact
from pipelines.registry.store import Store
from pipelines.runs.files import RunFiles
from pipelines.training.checkpoints import InMemory
from pipelines.training.fit import Fitted, fit_examples
from pipelines.training.fit_run import fit_run
from pipelines.training.members import member_run
from pipelines.training.run_config import RunConfig, named_run, run_config_of, with_options
from pipelines.training.train import train
from service.cli import main
from tests.models.conftest import assert_alike_and_on_the_processor
from tests.runs.test_resuming import SPLIT, interrupted, nothing
from tests.worlds import ratings_world, two_tastes

SMALL: dict[str, dict[str, Any]] = {
    "denoising": {"hidden_dims": [16], "latent_dim": 8},
    "stacked": {"hidden_dims": [16], "latent_dim": 8, "pretraining_epochs": 2},
    "variational": {"form": "recvae", "hidden_dims": [16, 16], "latent_dim": 8},
    "joint": {
        "members": [
            {
                "kind": "variational",
                "network": {"hidden_dims": [16], "latent_dim": 8},
                "fit": {"learning_rate": 0.01, "batch_size": 16},
            },
            {"kind": "linear", "network": {"regularisation": [1.0]}},
        ]
    },
    "rating": {"form": "item", "latent_dim": 6},
}


def config(
    kind: str,
    device: DeviceName,
    *,
    network: Mapping[str, Any] | None = None,
    precision: str = "float32",
) -> RunConfig:
    fit = {"epochs": 4, "batch_size": 16, "learning_rate": 0.01, "device": device}
    data = {"values": "rating"} if kind == "rating" else {}
    values = {"name": "x", "kind": kind, "network": network or SMALL[kind], "data": data}
    return run_config_of({**values, "fit": {**fit, "precision": precision}})


def split_for(kind: str) -> Split:
    if kind != "rating":
        return SPLIT
    matrix = two_tastes(100)
    x = ratings_world(n_users=100, n_items=40)
    return strong_generalisation(type(matrix)(x, matrix.user_ids, matrix.vocabulary), 1)


def assert_alike(ours: Fitted, theirs: Fitted) -> None:
    for one, other in zip(ours.epochs, theirs.epochs, strict=True):
        assert one.phase == other.phase
        assert one.reconstruction == pytest.approx(other.reconstruction, rel=1e-3)
        assert one.metric == pytest.approx(other.metric, abs=0.02)
    assert_alike_and_on_the_processor(ours.network, theirs.network)


@pytest.mark.parametrize("kind", SMALL)
def test_a_fit_is_judged_and_ends_as_on_the_processor(kind: str, gpu: torch.device) -> None:
    ours, theirs = (
        fit_run(split_for(kind), config(kind, device), checkpoints=InMemory(), on_progress=nothing)
        for device in ("cuda", "cpu")
    )
    assert any(epoch.metric is not None for epoch in ours.epochs)
    assert_alike(ours, theirs)


@pytest.mark.parametrize("kind", ["denoising", "stacked", "variational"])
def test_an_interrupted_fit_ends_the_same(kind: str, gpu: torch.device, tmp_path: Path) -> None:
    asked = config(kind, "cuda")
    whole = fit_run(SPLIT, asked, checkpoints=InMemory(), on_progress=nothing)
    for after in (1, len(whole.epochs) // 2, len(whole.epochs)):
        assert_alike(interrupted(asked, RunFiles(tmp_path, f"run-{after}"), after), whole)


def test_a_fit_in_mixed_precision_ranks_as_well(gpu: torch.device) -> None:
    metrics = []
    for device, precision in (("cuda", "bfloat16"), ("cpu", "float32")):
        asked = config("denoising", device, precision=precision)
        fitted = fit_run(SPLIT, asked, checkpoints=InMemory(), on_progress=nothing)
        assert {each.dtype for each in fitted.network.parameters()} == {torch.float32}
        metrics.append(max(epoch.metric or 0.0 for epoch in fitted.epochs))
    assert metrics[0] == pytest.approx(metrics[1], abs=0.05)


def test_a_fit_to_images_is_judged_and_ends_as_on_the_processor(gpu: torch.device) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 144)).astype(np.uint8)
    rows = ImageRows(tuple(map(str, range(60))), ((),) * 60, pixels, "digest")
    fits = []
    for device in ("cuda", "cpu"):
        network = {"shape": [1, 12, 12], "latent_dim": 6, "shift": 1, "whitening": 0.5}
        values = {"name": "x", "kind": "convolutional", "network": network}
        fit = {"epochs": 2, "batch_size": 20, "optimiser": "sgd", "device": device}
        asked = run_config_of({**values, "fit": fit})
        examples = ImageExamples(split_images(rows, 1))
        fits.append(fit_examples(examples, asked, checkpoints=InMemory(), on_progress=nothing))
    assert_alike(*fits)


def test_an_artifact_trained_on_a_gpu_is_served_without_one(
    gpu: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = train(SPLIT, config("denoising", "cuda"), on_progress=nothing)
    packed = pack(trained, {})
    assert packed.manifest["run"]["fit"]["device"] == "cuda"
    monkeypatch.undo()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    store = Store(str(tmp_path))
    write_artifact(store, packed)
    artifact = read_artifact(store, packed.artifact_id)
    assert {each.device.type for each in artifact.network.parameters()} == {"cpu"}
    with pytest.raises(InvalidInput, match="sees no GPU"):
        train(SPLIT, artifact.config, on_progress=nothing)


def test_a_gpu_that_is_not_there_is_refused_with_the_field(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for kind in ("denoising", "joint"):
        with pytest.raises(InvalidInput, match="'auto' or 'cpu'") as caught:
            train(SPLIT, config(kind, "cuda"), on_progress=nothing)
        assert [error.pointer for error in caught.value.errors] == ["/fit/device"]
    linear = config("linear", "cuda", network={"regularisation": [1.0]})
    train(SPLIT, linear, on_progress=nothing)  # what is solved needs none


def test_named_runs_in_mixed_precision_take_the_gpu_where_there_is_one() -> None:
    for name in ("mult-dae", "mult-vae", "recvae"):
        assert named_run(name).fit.device == named_run(name).fit.precision == "auto"
    assert named_run("joint").fit.device == named_run("auto").fit.device == "auto"
    assert named_run("denoising").fit.device == "cpu"


def test_members_train_where_the_blend_is_told_to() -> None:
    for device in ("cpu", "cuda"):
        blend = with_options(named_run("joint"), device=device)
        members = [Member(**each) for each in blend.network["members"]]
        assert {member_run(blend, each).fit.device for each in members} == {device}


def test_a_gpu_that_is_not_there_is_missed_before_anything_is_fitted() -> None:
    blend = with_options(named_run("joint"), device="cuda")
    with pytest.raises(InvalidInput, match="sees no GPU") as refused:
        fit_run(SPLIT, blend, checkpoints=InMemory(), on_progress=pytest.fail)
    assert refused.value.errors[0].pointer == "/fit/device"


def test_a_gpu_with_too_little_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def loss(*_: object) -> NoReturn:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(DenoisingAutoencoder, "loss", loss)
    with pytest.raises(InvalidInput, match="smaller batch_size") as refused:
        fit_run(SPLIT, config("denoising", "cpu"), checkpoints=InMemory(), on_progress=nothing)
    assert refused.value.errors[0].pointer == "/fit/device"


def test_the_command_line_names_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOURGLASS_HOME", str(tmp_path))
    monkeypatch.delenv("HOURGLASS_DATABASE_URL", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for arguments in (["db", "upgrade"], ["import", "lesson"]):
        assert CliRunner().invoke(main, arguments).exit_code == 0
    for device, words in (("cuda", "sees no GPU"), ("gpu", "auto, cpu, cuda")):
        asked = ["train", "denoising", "--epochs", "2", "--device", device, "--json"]
        result = CliRunner().invoke(main, asked)
        (error,) = json.loads(result.stderr or result.stdout)["errors"]
        assert (result.exit_code, error["pointer"]) == (1, "/fit/device")
        assert words in error["detail"]
    trained = CliRunner().invoke(main, [*asked[:5], "auto", "--json"])
    assert json.loads(trained.stdout)["promoted"]
