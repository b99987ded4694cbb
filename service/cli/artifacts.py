"""`hourglass artifacts`: what was trained, and which of it is live."""

import json
from typing import Annotated, Literal

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json
from service.cli.database import open_database

SHOWN = 100

app = command_app(group="What was trained, and which of it is live: list, promote, roll back.")

ArtifactId = Annotated[str, typer.Argument(metavar="ARTIFACT_ID", help="As the list shows it.")]

SubjectOption = Annotated[
    Literal["interactions", "images"], typer.Option(help="What the artifacts are about.")
]


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
            what = f"{row.artifact_id:<40}{row.subject:<14}{row.kind:<16}"
            typer.echo(f"{what}{row.status:<10}{row.created_at:%F %T}")


@app.command()
def run(artifact_id: ArtifactId, as_json: JsonOption = False) -> None:
    """Print the run that an artifact came of, to be trained again: same data, same artifact.

    Of a search it names the members that were found, and tells what was tried.

    Example: hourglass artifacts run auto-0123456789abcdef > run.json; hourglass train run.json
    """
    from pipelines.registry.registry import run_values

    with (
        answering(as_json=as_json),
        open_database(Settings.from_environment()) as engine,
    ):
        values = run_values(engine, artifact_id)
        typer.echo(json.dumps(values, indent=None if as_json else 2, ensure_ascii=False))


@app.command()
def promote(artifact_id: ArtifactId, as_json: JsonOption = False) -> None:
    """Make an artifact live, whatever the gate said of it; its checksums are verified first.

    Example: hourglass artifacts promote denoising-0123456789abcdef
    """
    from pipelines.registry.registry import promote_by_id
    from pipelines.registry.store import Store

    settings = Settings.from_environment()
    with answering(as_json=as_json), open_database(settings) as engine:
        promote_by_id(engine, Store(settings.store_url), artifact_id)
        _tell_active(artifact_id, as_json=as_json)


@app.command()
def rollback(subject: SubjectOption = "interactions", as_json: JsonOption = False) -> None:
    """Make the artifact live that was so before; the one left counts as rejected.

    Example: hourglass artifacts rollback --subject images
    """
    from pipelines.registry.registry import roll_back
    from pipelines.registry.store import Store

    settings = Settings.from_environment()
    with answering(as_json=as_json), open_database(settings) as engine:
        artifact_id = roll_back(engine, Store(settings.store_url), subject=subject)
        _tell_active(artifact_id, as_json=as_json)


def _tell_active(artifact_id: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"artifact_id": artifact_id, "status": "active"})
    else:
        typer.echo(f"{artifact_id} is active.")


def _values(row: object) -> dict[str, object]:
    names = ("artifact_id", "subject", "kind", "config", "status", "run_id")
    return {name: getattr(row, name) for name in (*names, "created_at", "promoted_at")}
