"""`hourglass schedules`: runs asked for by the clock, when enough is new, or on drift."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.errors import NotFound
from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json
from service.cli.database import open_database

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pipelines.storage.tables import Schedule

SHOWN = 1000

app = command_app(group="Runs that are asked for by the clock, or when enough is new.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What you call the schedule.")]
Config = Annotated[str, typer.Option(help="Which named run, e.g. denoising.")]
Cron = Annotated[
    str | None, typer.Option(help="Minute, hour, day, month, day of the week; 1-5 is Mon to Fri.")
]
Timezone = Annotated[str | None, typer.Option(help="Of --cron, e.g. Europe/Madrid; default UTC.")]
After = Annotated[int | None, typer.Option(help="Fire after so many new interactions.")]
OnDrift = Annotated[
    bool, typer.Option("--on-drift", help="Fire when `watch` finds that inputs drifted.")
]


@app.command("set")
def set_command(
    name: Name,
    config: Config = "denoising",
    cron: Cron = None,
    timezone: Timezone = None,
    after: After = None,
    on_drift: OnDrift = False,
    as_json: JsonOption = False,
) -> None:
    """Create or replace a schedule; a worker fires it.

    Example: hourglass schedules set nightly --cron "0 3 * * 1-5" --config denoising
    """
    from pipelines.runs.schedules import Rule, set_schedule

    if sum((cron is not None, after is not None, on_drift)) != 1:
        raise typer.BadParameter("Give one of --cron, --after and --on-drift, and no other.")
    rule = Rule(config, cron, timezone, after, on_drift)
    with answering(as_json=as_json):
        schedule = _changed(
            lambda session, now: set_schedule(session, name=name, rule=rule, now=now)[0]
        )
        _tell(schedule, as_json=as_json)


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List schedules with the time at which each fires next.

    Example: hourglass schedules list
    """
    from pipelines.storage.engine import reading
    from pipelines.storage.schedules import list_schedules

    with (
        answering(as_json=as_json),
        open_database(Settings.from_environment()) as engine,
        reading(engine) as session,
    ):
        rows = list_schedules(session, limit=SHOWN, after=None)
        if as_json:
            print_json({"schedules": [_values(row) for row in rows]})
            return
        for row in rows:
            typer.echo(_line(row))


@app.command()
def pause(name: Name, as_json: JsonOption = False) -> None:
    """Let a schedule fire no more until it is resumed.

    Example: hourglass schedules pause nightly
    """
    from pipelines.runs.schedules import pause_schedule

    with answering(as_json=as_json):
        schedule = _changed(lambda session, now: pause_schedule(session, name=name, now=now))
        _tell(schedule, as_json=as_json)


@app.command()
def resume(name: Name, as_json: JsonOption = False) -> None:
    """Let a paused schedule fire again.

    Example: hourglass schedules resume nightly
    """
    from pipelines.runs.schedules import resume_schedule

    with answering(as_json=as_json):
        schedule = _changed(lambda session, now: resume_schedule(session, name=name, now=now))
        _tell(schedule, as_json=as_json)


@app.command()
def trigger(name: Name, as_json: JsonOption = False) -> None:
    """Ask for a schedule's run now; the times to come stay as they are.

    Example: hourglass schedules trigger nightly
    """
    from pipelines.runs.schedules import trigger_schedule

    with answering(as_json=as_json):
        run = _changed(lambda session, now: trigger_schedule(session, name=name, now=now))
        if as_json:
            print_json({"run_id": run.run_id, "status": run.status})
        else:
            typer.echo(f"{run.run_id}  {run.status}")


@app.command()
def delete(name: Name, as_json: JsonOption = False) -> None:
    """Delete a schedule; runs that it asked for stay.

    Example: hourglass schedules delete nightly
    """
    from pipelines.storage.schedules import delete_schedule

    with answering(as_json=as_json):
        if not _changed(lambda session, _now: delete_schedule(session, name=name)):
            raise NotFound(f"There is no schedule {name!r}; `hourglass schedules list` lists them.")
        if as_json:
            print_json({"name": name, "deleted": True})
        else:
            typer.echo(f"{name} is deleted.")


def _changed(change: "Callable[[Session, datetime], Any]") -> Any:
    """What the change answers, once it is committed."""
    from pipelines.storage.engine import writing

    with open_database(Settings.from_environment()) as engine, writing(engine) as session:
        return change(session, datetime.now(UTC))


def _tell(schedule: "Schedule", *, as_json: bool) -> None:
    if as_json:
        print_json(_values(schedule))
    else:
        typer.echo(_line(schedule))


def _line(row: "Schedule") -> str:
    when = "on drift"
    if row.cron or row.after_interactions:
        when = f"{row.cron} ({row.timezone})" if row.cron else f"after {row.after_interactions:,}"
    following = f"next {row.due_at:%F %T} UTC" if row.due_at else ""
    return f"{row.name:<24}{row.config:<16}{when:<36}{'paused' if row.paused else following}"


def _values(row: object) -> dict[str, Any]:
    names = ("name", "config", "cron", "timezone", "after_interactions", "on_drift", "paused")
    return {name: getattr(row, name) for name in (*names, "due_at", "fired_at", "run_id")}
