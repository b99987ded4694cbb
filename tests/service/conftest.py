"""Apps to ask: one on an empty database, one that answers from a network trained on few songs."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from pipelines import schema
from pipelines.registry.store import Store
from pipelines.settings import Settings
from pipelines.storage.engine import create_engine, writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.tables import UNTIMED
from pipelines.training.run_config import named_run
from pipelines.workflows import run_training
from service.app import Hourglass, create_app
from service.context import EXTENSION

LIKES = {
    "client-1": ["song-3", "song-4"],
    "client-2": ["song-1", "song-2", "song-4"],
    "client-3": ["song-1", "song-5"],
    "client-4": ["song-4"],
}


def settings_at(home: Path) -> Settings:
    return Settings.from_environment({"HOURGLASS_HOME": str(home)})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of an empty, migrated database."""
    settings = settings_at(tmp_path)
    schema.upgrade(settings.database_url)
    return settings


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the song table and a promoted artifact; copy it, do not change it."""
    settings = settings_at(tmp_path_factory.mktemp("trained"))
    schema.upgrade(settings.database_url)
    engine = create_engine(settings.database_url)
    rows = [
        NewInteraction(user_id, item_id, "like", 1.0, UNTIMED)
        for user_id, item_ids in LIKES.items()
        for item_id in item_ids
    ]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=datetime.now(UTC))
    config = named_run("denoising")
    config = replace(config, fit=replace(config.fit, epochs=2))
    store = Store(settings.store_url)
    run_training(engine, store, config, home=settings.home, on_progress=lambda _: None)
    engine.dispose()
    return settings.home


@pytest.fixture
def trained_settings(trained_home: Path, tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    shutil.copytree(trained_home, home)
    return settings_at(home)


def serving(settings: Settings) -> Iterator[Hourglass]:
    app = create_app(settings, watch=False)
    parts = app.extensions[EXTENSION]
    parts.active.refresh()
    yield app
    parts.engine.dispose()


@pytest.fixture
def app(settings: Settings) -> Iterator[Hourglass]:
    yield from serving(settings)


@pytest.fixture
def client(app: Hourglass) -> FlaskClient:
    """Asks an app on an empty database."""
    return app.test_client()


@pytest.fixture
def trained_app(trained_settings: Settings) -> Iterator[Hourglass]:
    yield from serving(trained_settings)


@pytest.fixture
def trained_client(trained_app: Hourglass) -> FlaskClient:
    """Asks an app that has an active artifact."""
    return trained_app.test_client()
