"""`hourglass detectors`: which there are, what they learned from, and away with one."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json
from service.cli.database import open_database

SHOWN = 100

app = command_app(group="Detectors of strange rows: list, show, delete.")

DetectorId = Annotated[str, typer.Argument(metavar="DETECTOR_ID", help="As the list shows it.")]


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List detectors, newest first, with the error of those that could not be fitted.

    Example: hourglass detectors list
    """
    from pipelines.storage.detectors import list_detectors
    from pipelines.storage.engine import reading

    with (
        answering(as_json=as_json),
        open_database(Settings.from_environment()) as engine,
        reading(engine) as session,
    ):
        rows = list_detectors(session, limit=SHOWN, after=None)
        if as_json:
            print_json({"detectors": [asdict(row) for row in rows]})
            return
        for row in rows:
            line = f"{row.detector_id:<40}{row.over:<8}{row.status:<10}{row.created_at:%F %T}"
            typer.echo(f"{line}  {row.error or ''}".rstrip())


@app.command()
def show(detector_id: DetectorId, as_json: JsonOption = False) -> None:
    """Show what a detector learned from, and how much it can promise.

    Example: hourglass detectors show people-0123456789abcdef
    """
    from pipelines.storage.engine import reading
    from pipelines.watch.asking import found_detector

    with (
        answering(as_json=as_json),
        open_database(Settings.from_environment()) as engine,
        reading(engine) as session,
    ):
        row = found_detector(session, detector_id)
        if as_json:
            print_json(asdict(row))
            return
        typer.echo(f"{row.detector_id}  {row.over}  {row.status}  {row.error or ''}".rstrip())
        if row.manifest is None:
            return
        facts = row.manifest
        typer.echo(
            f"{facts['n_train']:,} rows to learn from, {facts['n_calibration']:,} held out, "
            f"{facts['n_problems']:,} left out; {facts['regime']}"
        )
        for use in facts["columns"]:
            constant = "  never varies" if use["constant"] else ""
            typer.echo(f"  {use['column']:<30}{use['kind']}{constant}")
        for each in facts["left_out"]:
            typer.echo(f"  {each['column']:<30}left out: {each['detail']}")


@app.command()
def delete(detector_id: DetectorId, as_json: JsonOption = False) -> None:
    """Delete a detector with all that it found; a run that fits it is called off.

    Example: hourglass detectors delete people-0123456789abcdef
    """
    from pipelines.registry.store import Store
    from pipelines.storage.engine import writing
    from pipelines.watch.asking import delete_detector, remove_detector_files

    settings = Settings.from_environment()
    with answering(as_json=as_json), open_database(settings) as engine:
        with writing(engine) as session:
            delete_detector(session, detector_id=detector_id, now=datetime.now(UTC))
        remove_detector_files(Store(settings.store_url), detector_id)
        if as_json:
            print_json({"detector_id": detector_id, "deleted": True})
        else:
            typer.echo(f"{detector_id} is deleted.")
