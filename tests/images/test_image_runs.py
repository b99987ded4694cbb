"""Runs on images: from the catalogue to an active artifact, beside the one of interactions."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from sqlalchemy import Engine

from pipelines.data.interactions import DataConfig, read_interactions
from pipelines.errors import DamagedArtifact, InvalidInput, NotReady
from pipelines.images.artifact import read_image_artifact
from pipelines.images.catalogue import ImageRows
from pipelines.images.embedding import embed_missing
from pipelines.images.judging import Errors, check_memory, judge_images, principal_axes
from pipelines.images.split import AT_ONCE, ImageExamples, split_images, squared_errors
from pipelines.registry.registry import promote_by_id, roll_back
from pipelines.runs.requests import request_run
from pipelines.runs.steps import STEPS
from pipelines.storage.artifacts import active_artifact_id, list_artifacts
from pipelines.storage.embeddings import iterate_embeddings
from pipelines.storage.engine import reading, writing
from pipelines.storage.images import NewImage, image_state, put_images
from pipelines.storage.runs import get_run
from pipelines.storage.tables import IMAGES
from pipelines.training.progress import Progress
from pipelines.workflows import carry_out, is_current
from tests.images.conftest import N_EACH, config, store_shapes
from tests.pictures import png
from tests.running import run, store_at
from tests.worlds import store_world, two_tastes


def n_embeddings(engine: Engine, artifact_id: str) -> int:
    with reading(engine) as session:
        return image_state(session, artifact_id=artifact_id).n_embeddings


def active(engine: Engine, subject: str = IMAGES) -> str | None:
    with reading(engine) as session:
        return active_artifact_id(session, subject=subject)


def test_a_run_beats_the_mean_image_learns_labels_and_goes_live_with_all_embeddings(
    shapes: Engine, home: Path
) -> None:
    result = run(shapes, home, config(epochs=10))
    assert result.promoted, result.reasons
    assert "below the mean image's" in result.reasons[0]
    assert result.metrics["test"]["mse"]["mean"] < result.metrics["mean image"]["mse"]["mean"]
    assert result.metrics["recognition"]["labels"] == ["bar", "circle"]
    assert result.metrics["recognition"]["accuracy"] >= 0.9
    assert active(shapes) == result.artifact_id
    assert active(shapes, "interactions") is None
    with reading(shapes) as session:
        vectors = {
            each.item_id: np.frombuffer(each.vector, dtype="<f4")
            for each in iterate_embeddings(session, artifact_id=result.artifact_id)
        }
    assert len(vectors) == 2 * N_EACH
    assert {len(vector) for vector in vectors.values()} == {8}
    assert not [path for path in (home / "snapshots").rglob("*") if path.is_file()]


def test_the_same_data_and_seed_give_the_same_artifact_wherever_it_was_interrupted(
    shapes: Engine, home: Path
) -> None:
    undisturbed = run(shapes, home, config())
    with writing(shapes) as session:
        run_id = request_run(session, config(), now=datetime.now(UTC)).run_id
    for step, _ in STEPS:  # each carried out by another process, as it were
        assert carry_out(shapes, store_at(home), home, step=step, run_id=run_id)
    with reading(shapes) as session:
        again = get_run(session, run_id=run_id)
        statuses = [row.status for row in list_artifacts(session, limit=10, after=None)]
    assert again is not None
    assert (again.status, again.artifact_id) == ("finished", undisturbed.artifact_id)
    assert statuses == ["active"]


def test_a_fit_goes_on_from_its_last_epoch(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_shapes(sqlite_engine, tmp_path / "shapes")
    undisturbed = run(sqlite_engine, tmp_path, config())
    with writing(sqlite_engine) as session:
        run_id = request_run(session, config(), now=datetime.now(UTC)).run_id
    store = store_at(tmp_path)
    assert carry_out(sqlite_engine, store, tmp_path, step="snapshot", run_id=run_id)
    from pipelines import workflows

    class Dying:
        def __init__(self, *_: object) -> None: ...

        def __call__(self, progress: Progress) -> None:
            if progress.epoch == 3:
                raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(workflows, "Reporter", Dying)
        with pytest.raises(SystemExit):
            carry_out(sqlite_engine, store, tmp_path, step="fit", run_id=run_id)
    for step in ("fit", "artifact", "publish"):
        assert carry_out(sqlite_engine, store, tmp_path, step=step, run_id=run_id)
    with reading(sqlite_engine) as session:
        again = get_run(session, run_id=run_id)
    assert again is not None
    assert again.artifact_id == undisturbed.artifact_id


def test_a_worse_artifact_is_rejected_and_an_older_one_comes_back(
    shapes: Engine, home: Path
) -> None:
    good = run(shapes, home, config())
    bad = run(shapes, home, config(epochs=1, learning_rate=1e-7))
    assert not bad.promoted
    assert any("worse than" in reason for reason in bad.reasons)
    assert active(shapes) == good.artifact_id
    assert n_embeddings(shapes, bad.artifact_id) == 0
    promote_by_id(shapes, store_at(home), bad.artifact_id)
    assert n_embeddings(shapes, bad.artifact_id) == 2 * N_EACH
    assert n_embeddings(shapes, good.artifact_id) == 0
    assert roll_back(shapes, store_at(home), subject=IMAGES) == good.artifact_id
    assert n_embeddings(shapes, good.artifact_id) == 2 * N_EACH


def test_an_artifact_for_images_of_another_shape_goes_live_without_comparing(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_shapes(sqlite_engine, tmp_path / "shapes")
    first = run(sqlite_engine, tmp_path, config(epochs=1))
    promote_by_id(sqlite_engine, store_at(tmp_path), first.artifact_id)
    wider = config(images={"side": 28, "channels": 3}, epochs=10)
    larger = run(sqlite_engine, tmp_path, wider)
    assert larger.promoted
    assert "another shape" in larger.reasons[2]
    artifact = read_image_artifact(store_at(tmp_path), larger.artifact_id)
    assert artifact.shape == (3, 28, 28)


def test_few_images_are_all_trained_on_and_the_run_says_so(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_shapes(sqlite_engine, tmp_path / "shapes", n=6)
    result = run(sqlite_engine, tmp_path, config(epochs=1))
    assert result.promoted
    assert "fewer than 50" in result.reasons[0]
    assert result.metrics["test"] is None


def test_without_images_the_run_fails_with_the_remedy(sqlite_engine: Engine, home: Path) -> None:
    with pytest.raises(NotReady, match=r"No item has an image.*hourglass import"):
        run(sqlite_engine, home, config())
    with writing(sqlite_engine) as session:
        put_images(session, images={"a": NewImage(png(), "d", 16, 16, 1)}, now=datetime.now(UTC))
    with pytest.raises(NotReady, match="category 'shoes'"):
        run(sqlite_engine, home, config(images={"category": "shoes"}))


def test_images_that_do_not_fit_in_memory_are_refused_before_they_are_read(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_shapes(sqlite_engine, tmp_path / "shapes", n=6)
    monkeypatch.setattr("pipelines.runs.image_steps.available_memory", lambda: 100_000)
    monkeypatch.delattr("pipelines.runs.image_steps.read_rows")
    with pytest.raises(InvalidInput, match="12 images of 64x64.*smaller side") as caught:
        run(sqlite_engine, tmp_path, config(images={"side": 64, "channels": 3}))
    assert [error.pointer for error in caught.value.errors] == ["/images/side"]
    with pytest.raises(InvalidInput, match=r"50,000 .* 1\.8 GB .* 1\.0 GB"):
        check_memory(50_000, (3, 64, 64), memory_bytes=1_000_000_000)
    check_memory(50_000, (3, 64, 64), memory_bytes=2_000_000_000)


def test_training_images_stay_bytes_but_for_a_batch_of_them() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 12), dtype=np.uint8)
    split = split_images(ImageRows(("x",) * 3000, ((),) * 3000, pixels, ""), seed=0)
    largest: list[int] = []

    def rebuild(some: torch.Tensor) -> torch.Tensor:
        largest.append(len(some))
        return torch.zeros_like(some)

    errors = squared_errors(rebuild, split.pixels(split.train))
    exact = (pixels[split.train] / 255.0) ** 2
    assert np.allclose(errors, exact.mean(axis=1))
    assert max(largest) <= AT_ONCE
    assert ImageExamples(split).rows().dtype == torch.uint8


def test_is_current_until_an_image_a_category_or_the_run_changes(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_shapes(sqlite_engine, tmp_path / "shapes", n=6)
    small = config(epochs=1)
    assert not is_current(sqlite_engine, small)
    run(sqlite_engine, tmp_path, small)
    assert is_current(sqlite_engine, small)
    assert not is_current(sqlite_engine, config(epochs=2))
    with writing(sqlite_engine) as session:
        put_images(session, images={"new": NewImage(png(), "d", 16, 16, 1)}, now=datetime.now(UTC))
    assert not is_current(sqlite_engine, small)


def test_an_image_that_comes_later_is_embedded_and_a_damaged_artifact_is_refused(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_shapes(sqlite_engine, tmp_path / "shapes", n=6)
    name = run(sqlite_engine, tmp_path, config(epochs=1)).artifact_id
    artifact = read_image_artifact(store_at(tmp_path), name)
    with writing(sqlite_engine) as session:
        put_images(session, images={"new": NewImage(png(), "d", 16, 16, 1)}, now=datetime.now(UTC))
    chunks: list[tuple[int, int]] = []
    embed_missing(sqlite_engine, artifact, on_chunk=lambda *counts: chunks.append(counts))
    assert chunks == [(12, 13)]
    weights = tmp_path / "artifacts" / name / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(DamagedArtifact, match="checksum"):
        read_image_artifact(store_at(tmp_path), name)


def test_the_gate_weighs_the_candidate_against_the_mean_image_and_the_active_one() -> None:
    def errors(network: float) -> Errors:
        noise = np.linspace(0, 1e-4, 20)
        return Errors(network + noise, 0.5 + noise, 0.1 + noise, 8)

    assert judge_images(errors(0.3), None).promote
    assert not judge_images(errors(0.6), None).promote
    assert not judge_images(errors(0.3), lambda: errors(0.2).network).promote
    assert judge_images(errors(0.3), lambda: errors(0.3).network).promote
    assert judge_images(errors(0.3), lambda: None).promote
    assert judge_images(None, None).promote


def test_principal_axes_are_those_of_the_exact_decomposition() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 30, generator=generator) * torch.logspace(0, -3, 30)
    x = x - x.mean(dim=0)
    axes = principal_axes(x, 5, generator)
    _, _, exact = torch.linalg.svd(x, full_matrices=False)
    assert torch.allclose((axes.T @ exact[:5].T).abs(), torch.eye(5), atol=1e-3)


def test_items_that_are_only_images_change_nothing_for_interactions(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_world(sqlite_engine, two_tastes(20))
    with reading(sqlite_engine) as session:
        before = read_interactions(session, DataConfig())
    store_shapes(sqlite_engine, tmp_path / "shapes", n=2)
    with writing(sqlite_engine) as session:
        first = before.vocabulary.item_ids[0]
        put_images(session, images={first: NewImage(png(), "d", 16, 16, 1)}, now=datetime.now(UTC))
    with reading(sqlite_engine) as session:
        assert read_interactions(session, DataConfig()).digest() == before.digest()
