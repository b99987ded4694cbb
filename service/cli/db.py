"""`hourglass db`: the schema of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from pipelines.errors import InvalidInput
from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json

app = command_app(group="The schema of the database: upgrade, downgrade, current.")

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def upgrade(
    revision: Annotated[str, typer.Argument(help="Where to stop.")] = "head",
    as_json: JsonOption = False,
) -> None:
    """Bring the schema to the revision that this version needs; twice changes nothing.

    Example: hourglass db upgrade
    """
    from pipelines import schema

    with answering(as_json=as_json), _known_revision(revision):
        schema.upgrade(Settings.from_environment().database_url, revision)
        _tell_revision(as_json=as_json)


@app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="Where to go back to; `base` is nothing.")],
    yes: Yes = False,
    as_json: JsonOption = False,
) -> None:
    """Take the schema back; what the later revisions added is deleted with its data.

    Example: hourglass db downgrade 0001 --yes
    """
    from pipelines import schema

    if not yes:
        typer.confirm("What later revisions added is deleted. Go on?", abort=True, err=True)
    with answering(as_json=as_json), _known_revision(revision):
        schema.downgrade(Settings.from_environment().database_url, revision)
        _tell_revision(as_json=as_json)


@app.command()
def current(as_json: JsonOption = False) -> None:
    """Show the revision of the schema, and the one that this version needs.

    Example: hourglass db current --json
    """
    with answering(as_json=as_json):
        _tell_revision(as_json=as_json)


@contextmanager
def _known_revision(revision: str) -> Iterator[None]:
    from alembic.util import CommandError

    try:
        yield
    except CommandError as error:
        raise InvalidInput(f"Revision {revision!r} cannot be gone to: {error}.") from None


def _tell_revision(*, as_json: bool) -> None:
    from pipelines import schema
    from pipelines.storage.engine import create_engine

    engine = create_engine(Settings.from_environment().database_url)
    try:
        revision, head = schema.current(engine), schema.head()
    finally:
        engine.dispose()
    if as_json:
        print_json({"current": revision, "head": head})
        return
    state = "up to date" if revision == head else "run `hourglass db upgrade`"
    typer.echo(f"{revision or 'no schema yet'} (this version needs {head}: {state})")
