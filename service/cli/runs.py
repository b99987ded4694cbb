"""`hourglass runs`: what was trained when, and what became of it."""

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json
from service.cli.database import open_database

SHOWN = 100

app = command_app(group="What was trained when, and what became of it.")


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List runs, newest first, with the gate's verdict or the error.

    Example: hourglass runs list --json
    """
    from pipelines.storage.engine import reading
    from pipelines.storage.runs import list_runs

    with (
        answering(as_json=as_json),
        open_database(Settings.from_environment()) as engine,
        reading(engine) as session,
    ):
        rows = list_runs(session, limit=SHOWN, after=None)
        if as_json:
            print_json({"runs": [_values(row) for row in rows]})
            return
        for row in rows:
            outcome = row.error or row.artifact_id or ""
            typer.echo(
                f"{row.run_id}  {row.config:<16}{row.status:<10}{row.created_at:%F %T}  {outcome}"
            )


def _values(row: object) -> dict[str, object]:
    names = ("run_id", "config", "status", "metrics", "verdict", "error", "artifact_id")
    times = ("created_at", "started_at", "finished_at")
    return {name: getattr(row, name) for name in (*names, *times)}
