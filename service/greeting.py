"""What `hourglass serve` says first: where the API page is and three lines to try."""

import json
import shlex
from urllib.parse import quote

from sqlalchemy.exc import SQLAlchemyError

from pipelines.settings import Settings
from pipelines.storage.engine import create_engine, reading
from pipelines.storage.interactions import history_of
from pipelines.storage.users import list_users

_UNIVERSAL = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


def greeting(settings: Settings) -> str:
    """The text, with ids that are in the database; those of the song table while it is empty."""
    address = f"http://{_reachable(settings.host)}:{settings.port}"
    user_id, history = _someone(settings.database_url)
    anomaly = f"{address}/v1/users/{quote(user_id, safe='')}/anomaly"
    lines = (
        _post(f"{address}/v1/recommendations", {"history": history, "n": 3}),
        _post(f"{address}/v1/reconstructions", {"history": history, "n": 5}),
        f"curl {shlex.quote(anomaly)}",
    )
    return "\n".join(
        [f"Hourglass serves at {address}/docs (Ctrl-C stops it). Try:", *(f"  {x}" for x in lines)]
    )


def _reachable(host: str) -> str:
    if host in _UNIVERSAL:
        return _UNIVERSAL[host]
    return f"[{host}]" if ":" in host else host


def _someone(database_url: str) -> tuple[str, list[str]]:
    """A user, and the start of a history."""
    engine = create_engine(database_url)
    try:
        with reading(engine) as session:
            for user in list_users(session, limit=10, after=None):
                history = history_of(session, user_id=user.user_id, actions=None, above=0)
                if history:
                    return user.user_id, history[:2]
    except SQLAlchemyError:
        pass  # /readyz and every answer will say it; the server starts all the same
    finally:
        engine.dispose()
    return "client-4", ["song-4"]


def _post(url: str, body: dict[str, object]) -> str:
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f"curl {shlex.quote(url)} -H 'Content-Type: application/json' -d {data}"
