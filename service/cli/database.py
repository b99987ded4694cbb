"""The database as commands find it: by the settings, at the schema that this version needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.errors import NotReady
from pipelines.settings import Settings
from service.cli.console import say

if TYPE_CHECKING:
    from sqlalchemy import Engine


def tell_dead_runs(engine: "Engine", settings: Settings) -> None:
    """Say of runs whose process died that they failed: to people, and in their rows."""
    from pipelines.runs.life import record_dead

    for run_id in record_dead(engine, settings.home):
        say(f"Run {run_id} had not ended when its process died; it is marked as failed.")


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
