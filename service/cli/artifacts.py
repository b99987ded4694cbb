"""`hourglass artifacts`: what was trained, and which of it is live."""

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json
from service.cli.database import open_database

SHOWN = 100

app = command_app(group="What was trained, and which of it is live.")


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List artifacts, newest first.

    Example: hourglass artifacts list
    """
    from pipelines.storage.artifacts import list_artifacts
    from pipelines.storage.engine import reading

    with (
        answering(as_json=as_json),
        open_database(Settings.from_environment()) as engine,
        reading(engine) as session,
    ):
        rows = list_artifacts(session, limit=SHOWN, after=None)
        if as_json:
            print_json({"artifacts": [_values(row) for row in rows]})
            return
        for row in rows:
            typer.echo(f"{row.artifact_id:<40}{row.kind:<16}{row.status:<10}{row.created_at:%F %T}")


def _values(row: object) -> dict[str, object]:
    names = ("artifact_id", "kind", "config", "status", "run_id", "created_at", "promoted_at")
    return {name: getattr(row, name) for name in names}
