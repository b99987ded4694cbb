"""The database as commands find it: by the settings, at the schema that this version needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.errors import NotReady
from pipelines.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine


@contextmanager
def open_database(settings: Settings) -> Iterator["Engine"]:
    """An engine on the database, disposed of at the end. Raises NotReady without the schema."""
    from pipelines import schema
    from pipelines.storage.engine import create_engine

    engine = create_engine(settings.database_url)
    try:
        if not schema.is_at_head(engine):
            raise NotReady(
                f"The database is at revision {schema.current(engine)}, this version needs "
                f"{schema.head()}. Run `hourglass db upgrade`."
            )
        yield engine
    finally:
        engine.dispose()
