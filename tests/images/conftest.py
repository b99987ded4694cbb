"""A catalogue of circles and bars, and small runs on it."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.data.image_importing import import_images
from pipelines.data.image_sources import find_images
from pipelines.training.run_config import RunConfig, named_run, run_config_of
from tests.pictures import write_folder

N_EACH = 60


def config(*, images: dict[str, object] | None = None, **fit: object) -> RunConfig:
    """The named run, smaller."""
    values = named_run("convolutional").values()
    values["network"].update({"latent_dim": 8})
    values["images"].update(images or {})
    values["fit"].update({"epochs": 4, "batch_size": 20, **fit})
    return run_config_of(values)


def store_shapes(engine: Engine, folder: Path, *, n: int = N_EACH, seed: int = 0) -> None:
    """`n` circles and `n` bars, of these categories."""
    write_folder(folder, n=n, seed=seed)
    source = find_images(folder)
    assert source is not None
    import_images(engine, source, progress=lambda _: None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def shapes(engine: Engine, tmp_path: Path) -> Engine:
    """A database, once on SQLite and once on PostgreSQL, with the shapes in it."""
    store_shapes(engine, tmp_path / "shapes")
    return engine
