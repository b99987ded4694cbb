"""What must be true before requests can be answered. Looks; repairs nothing."""

from collections.abc import Callable
from typing import TypedDict

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from pipelines import schema
from pipelines.predictor.watching import Watcher
from pipelines.storage.engine import reading
from service.context import Context


class Check(TypedDict):
    """One thing that must be right, and why it is or is not."""

    ok: bool
    reason: str


def checks(parts: Context) -> dict[str, Check]:
    """Each check by name; none of them raises."""
    return {
        "database": _asked(parts.engine, _database),
        "schema": _asked(parts.engine, _schema),
        "artifact": _loaded(parts.active),
        "image_artifact": _loaded(parts.images),
    }


def _loaded(watcher: Watcher) -> Check:
    ok, reason = watcher.status()
    return Check(ok=ok, reason=reason)


def _asked(engine: Engine, ask: Callable[[Engine], Check]) -> Check:
    """What the database driver says stays inside: it may hold addresses and names."""
    try:
        return ask(engine)
    except SQLAlchemyError as error:
        return Check(ok=False, reason=f"the database does not answer ({type(error).__name__})")


def _database(engine: Engine) -> Check:
    with reading(engine) as session:
        session.execute(text("SELECT 1"))
    return Check(ok=True, reason="answers")


def _schema(engine: Engine) -> Check:
    if schema.is_at_head(engine):
        return Check(ok=True, reason=f"at {schema.head()}")
    found, wanted = schema.current(engine), schema.head()
    reason = f"at {found or 'nothing'}, not at {wanted}; run `hourglass db upgrade`"
    return Check(ok=False, reason=reason)
