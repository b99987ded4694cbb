"""What every test may ask for: databases migrated by Alembic, settings, the data folder, a clock.

HOURGLASS_TEST_DATABASES        sqlite | postgresql | both. When it asks for PostgreSQL and none
                                answers, tests fail; when it is not set, they are skipped.
HOURGLASS_TEST_POSTGRES_URL     a server on which databases may be created.
HOURGLASS_TEST_DATA             folder of public data sets (default: ../shared/data).
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest
import torch
from sqlalchemy import URL, Engine, make_url, text
from sqlalchemy import create_engine as create_plain_engine
from sqlalchemy.exc import OperationalError

from pipelines import schema
from pipelines.settings import Settings
from pipelines.storage.engine import create_engine
from tests.pretend_device import pretend_device

torch.set_num_threads(1)  # two threads make small networks several times slower

# A busy machine is no failure.
hypothesis.settings.register_profile("hourglass", deadline=None)
hypothesis.settings.load_profile("hourglass")

ASKED = os.environ.get("HOURGLASS_TEST_DATABASES")
DATABASES = ["sqlite", "postgresql"] if ASKED in (None, "both") else [ASKED]
SERVER = make_url(
    os.environ.get(
        "HOURGLASS_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
    )
)
REPOSITORY = Path(__file__).parents[1]
_numbers = count()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated database of the test's own, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield _sqlite_copy(request.getfixturevalue("sqlite_template"), tmp_path)
        return
    template: URL = request.getfixturevalue("postgresql_template")
    with _postgresql_database(f'TEMPLATE "{template.database}"') as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on `database_url`."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(sqlite_template: Path, tmp_path: Path) -> Iterator[Engine]:
    """An engine on SQLite alone, for tests to which the database does not matter."""
    engine = create_engine(_sqlite_copy(sqlite_template, tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def settings(sqlite_template: Path, tmp_path: Path) -> Settings:
    """Settings of an empty home with a migrated SQLite database."""
    settings = Settings.from_environment({"HOURGLASS_HOME": str(tmp_path)})
    shutil.copy(sqlite_template, tmp_path / "hourglass.db")
    return settings


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets."""
    default = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("HOURGLASS_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"the data sets are not at {folder}; HOURGLASS_TEST_DATA names their folder")
    return folder


@pytest.fixture(autouse=True, scope="session")
def no_gpu() -> Iterator[None]:
    """Training is the processor's, which comes to the same each time, but where `gpu` is asked."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch.cuda, "is_available", lambda: False)
        yield


@pytest.fixture(
    params=[
        "pretend",
        pytest.param(
            "cuda",
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU"),
        ),
    ]
)
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.device]:
    """What `device = "cuda"` of a fit then means: a pretend GPU, and a real one where there is one.

    Random numbers on it are those that the processor would draw.
    """
    device = pretend_device() if request.param == "pretend" else torch.device("cuda", 0)
    for module in ("models.devices", "pipelines.training.fit"):
        monkeypatch.setattr(
            f"{module}.device_of",
            lambda name: device if name == "cuda" else torch.device("cpu"),
        )
    monkeypatch.setattr("models.devices.generator_on", lambda device, generator: generator)
    if request.param == "cuda":
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        for name in ("rand", "randn", "randint", "randperm", "bernoulli"):
            monkeypatch.setattr(torch, name, _drawn_on_the_processor(getattr(torch, name)))
    # Threads for the way back exist for those devices alone that were known before the first one.
    with torch.autograd.set_multithreading_enabled(request.param == "cuda"):
        yield device


def _drawn_on_the_processor(draw: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def drawn(*args: Any, device: Any = "cpu", **kwargs: Any) -> torch.Tensor:
        tensors = [each for each in args if isinstance(each, torch.Tensor)]
        args = tuple(each.cpu() if isinstance(each, torch.Tensor) else each for each in args)
        return draw(*args, **kwargs).to(tensors[0].device if tensors else device)

    return drawn


@pytest.fixture
def now() -> datetime:
    """A moment with microseconds, always the same."""
    return datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "hourglass.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_template() -> Iterator[URL]:
    """A migrated PostgreSQL database to create others from."""
    try:
        _on_server("SELECT 1")
    except OperationalError as error:
        without_postgresql(
            f"no PostgreSQL at {SERVER}; HOURGLASS_TEST_POSTGRES_URL names another ({error.orig})"
        )
    with _postgresql_database("ENCODING 'UTF8' TEMPLATE template0") as url:
        schema.upgrade(url.render_as_string(hide_password=False))
        yield url


def without_postgresql(detail: str) -> NoReturn:
    """Fail where PostgreSQL was asked for; skip where it was not."""
    if ASKED is not None:
        pytest.fail(detail, pytrace=False)
    pytest.skip(detail)


def _sqlite_copy(template: Path, folder: Path) -> str:
    path = folder / "hourglass.db"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@contextmanager
def _postgresql_database(options: str) -> Iterator[URL]:
    name = f"hourglass_test_{os.getpid()}_{next(_numbers)}"
    _on_server(f'CREATE DATABASE "{name}" {options}')
    try:
        yield SERVER.set(database=name)
    finally:
        _on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def _on_server(statement: str) -> None:
    # Databases are created and dropped outside any transaction.
    engine = create_plain_engine(
        SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 5}
    )
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
