"""Embeddings of images that came later, and none of artifacts that did not go live."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from pipelines.errors import Conflict
from pipelines.images.artifact import ImageArtifact
from pipelines.images.embedding import embed_missing
from pipelines.images.upkeep import CHUNK, ImageUpkeep
from pipelines.registry import registry
from pipelines.registry.registry import promote_by_id
from pipelines.runs.reporting import RunCancelled
from pipelines.runs.requests import cancel_run
from pipelines.storage.artifacts import active_artifact_id, promote_artifact
from pipelines.storage.engine import reading, writing
from pipelines.storage.images import NewImage, image_state, put_images
from pipelines.storage.runs import runs_in
from pipelines.storage.tables import IMAGES
from pipelines.training.progress import Progress
from tests.images.conftest import N_EACH, config, store_shapes
from tests.pictures import png
from tests.running import run, store_at


def n_embeddings(engine: Engine, artifact_id: str) -> int:
    with reading(engine) as session:
        return image_state(session, artifact_id=artifact_id).n_embeddings


def test_who_does_not_go_live_after_all_keeps_no_embeddings(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_shapes(sqlite_engine, tmp_path / "shapes", n=6)
    candidates: list[str] = []

    def cancel(progress: Progress) -> None:
        if progress.phase == "embedding":
            with writing(sqlite_engine) as session:
                [running] = runs_in(session, statuses=("running",))
                assert running.artifact_id is not None
                candidates.append(running.artifact_id)
                cancel_run(session, run_id=running.run_id, now=datetime.now(UTC))

    with pytest.raises(RunCancelled):
        run(sqlite_engine, tmp_path, config(epochs=1), cancel)
    assert n_embeddings(sqlite_engine, candidates[0]) == 0

    def overtaken(engine: Engine, artifact: ImageArtifact, **options: Any) -> None:
        embed_missing(engine, artifact, **options)
        with writing(engine) as session:
            promote_artifact(session, artifact_id=other, now=datetime.now(UTC))
        assert n_embeddings(engine, artifact.artifact_id) == 0
        embed_missing(engine, artifact, **options)

    other = run(sqlite_engine, tmp_path, config(epochs=2)).artifact_id
    promote_by_id(sqlite_engine, store_at(tmp_path), candidates[0])
    third = run(sqlite_engine, tmp_path, config(epochs=3)).artifact_id
    promote_by_id(sqlite_engine, store_at(tmp_path), candidates[0])
    monkeypatch.setattr(registry, "embed_missing", overtaken)
    with pytest.raises(Conflict):
        promote_by_id(sqlite_engine, store_at(tmp_path), third)
    with reading(sqlite_engine) as session:
        assert active_artifact_id(session, subject=IMAGES) == other
    assert n_embeddings(sqlite_engine, third) == 0


def test_upkeep_embeds_a_chunk_at_a_time_and_outlives_damage(shapes: Engine, home: Path) -> None:
    name = run(shapes, home, config(epochs=1)).artifact_id
    promote_by_id(shapes, store_at(home), name)
    upkeep = ImageUpkeep(shapes, store_at(home))
    assert not upkeep.embed_some()
    store_again(shapes, [f"new/{num:03}" for num in range(CHUNK + 1)])
    weights = home / "artifacts" / name / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1])
    assert not upkeep.embed_some()
    weights.write_bytes(content)
    for embedded, more in ((CHUNK, True), (CHUNK + 1, True), (CHUNK + 1, False)):
        assert upkeep.embed_some() == more
        assert n_embeddings(shapes, name) == 2 * N_EACH + embedded


def store_again(engine: Engine, item_ids: list[str]) -> None:
    image = NewImage(png(), "d", 16, 16, 1)
    with writing(engine) as session:
        put_images(session, images=dict.fromkeys(item_ids, image), now=datetime.now(UTC))
