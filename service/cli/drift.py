"""`hourglass drift`: whether inputs are still distributed as in training."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json
from service.cli.database import open_database

if TYPE_CHECKING:
    from pipelines.watch.drift_reports import Report

app = command_app()


@app.command("drift")
def drift_command(as_json: JsonOption = False) -> None:
    """Say what has drifted since training, as the last watch found it.

    Example: hourglass drift --json
    """
    from pipelines.storage.engine import reading
    from pipelines.watch.drift_reports import known_drifts

    with (
        answering(as_json=as_json),
        open_database(Settings.from_environment()) as engine,
        reading(engine) as session,
    ):
        known = known_drifts(session)
        if as_json:
            print_json(asdict(known))
            return
        for report in known.reports:
            _tell(report)
        if known.note:
            typer.echo(known.note)


def _tell(report: "Report") -> None:
    typer.echo(
        f"{report.finder}: {report.status}, beside {report.source}, {report.measured_at:%F %T}"
    )
    for each in report.inputs:
        psi = "      -" if each["psi"] is None else f"{each['psi']:7.3f}"
        mark = "  drifted" if each["drifted"] else ""
        figures = f"PSI {psi}  gap {each['statistic']:.3f}  p {each['adjusted_p']:<8.2g}"
        typer.echo(f"  {each['input']:<18}{figures} of {each['n_now']:,}{mark}")
    if report.alert:
        typer.echo(f"{report.alert.reason} {report.alert.remedy}")
    if report.note:
        typer.echo(report.note)
