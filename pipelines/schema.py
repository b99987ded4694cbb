"""The schema's revisions: where a database stands, and taking it to another one.

The only caller of Alembic; the revisions themselves are in `migrations`.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from pipelines.storage.engine import begin_writing, create_engine
from pipelines.storage.watch_tables import METADATA

_MIGRATIONS: Final = Path(__file__).parents[1] / "migrations"
_LOCK: Final = 4_683_710_215  # any number, the same in every process


def upgrade(url: str, revision: str = "head") -> None:
    """Take the database to that revision, all or nothing; does nothing where it is there already.

    Two processes may do this at the same time: the second one waits.
    """
    _migrate(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Take the database back to an older revision (`base`: no tables), all or nothing."""
    _migrate(url, lambda config: command.downgrade(config, revision))


def current(engine: Engine) -> str | None:
    """The revision at which the database is; None before the first upgrade."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def head() -> str:
    """The newest revision in `migrations`."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError(f"{_MIGRATIONS} holds no revision")
    return revision


def is_at_head(engine: Engine) -> bool:
    """Whether the database is at the newest revision."""
    return current(engine) == head()


def differences(engine: Engine) -> list[str]:
    """What the migrated database lacks of the tables, or has beyond them; empty: the same."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        return [str(difference) for difference in compare_metadata(context, METADATA)]


def _migrate(url: str, act: Callable[[Config], None]) -> None:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            _lock(connection)
            act(_config(connection))
            connection.commit()
    finally:
        engine.dispose()


def _lock(connection: Connection) -> None:
    """Begin a transaction in which no other process migrates."""
    if connection.dialect.name == "sqlite":
        # Rebuilding a table (SQLite's way to alter one) would delete what refers to it.
        driver_connection: Any = connection.connection.driver_connection
        driver_connection.execute("PRAGMA foreign_keys = OFF")
    begin_writing(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
