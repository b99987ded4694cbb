"""The settings of this deployment. The one module that reads the environment.

Hyperparameters are not here (`models`), nor is what a run does (`pipelines/training`).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import FieldError, InvalidInput


@dataclass(frozen=True)
class Settings:
    """Where things are kept and how they are served; `.env.example` lists all."""

    home: Path
    """Folder of the database, artifacts, snapshots and exports."""
    database_url: str
    """SQLAlchemy URL: `sqlite:///...` or `postgresql+psycopg://...`."""
    store_url: str
    """Where artifacts are kept: any fsspec URL, or a plain path."""
    host: str
    port: int
    workers: int
    """Web processes. Each holds its own copy of the active artifact."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read `HOURGLASS_*`, with defaults. Raises InvalidInput that names the variable."""
        home = Path(environ.get("HOURGLASS_HOME", "var")).expanduser().resolve()
        return cls(
            home=home,
            database_url=_database_url(environ, f"sqlite:///{home}/hourglass.db"),
            store_url=environ.get("HOURGLASS_STORE_URL", str(home / "artifacts")),
            host=environ.get("HOURGLASS_HOST", "127.0.0.1"),
            port=_whole_number(environ, "HOURGLASS_PORT", default=8000, low=1, high=65535),
            workers=_whole_number(environ, "HOURGLASS_WORKERS", default=2, low=1, high=256),
        )


DATABASES = ("sqlite:///", "postgresql+psycopg://")


def _database_url(environ: Mapping[str, str], default: str) -> str:
    url = environ.get("HOURGLASS_DATABASE_URL", default)
    if url.startswith(DATABASES):
        return url
    # Not repeated: a URL may hold a password.
    detail = f"HOURGLASS_DATABASE_URL must start with {' or '.join(DATABASES)}."
    raise InvalidInput(detail, errors=[FieldError("/HOURGLASS_DATABASE_URL", detail)])


def _whole_number(
    environ: Mapping[str, str], name: str, *, default: int, low: int, high: int
) -> int:
    text = environ.get(name, str(default))
    if text.isascii() and text.isdigit() and low <= int(text) <= high:
        return int(text)
    detail = f"{name} is {text!r}; set it to a whole number from {low} to {high}."
    raise InvalidInput(detail, errors=[FieldError(f"/{name}", detail)])
