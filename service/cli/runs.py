"""`hourglass runs`: what was trained when, what became of it, and asking for more."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.errors import NotFound
from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json
from service.cli.database import open_database, tell_dead_runs
from service.cli.durations import seconds_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from pipelines.storage.tables import Run

SHOWN = 100

app = command_app(group="What was trained when, and what became of it; start and cancel runs.")

RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="As `runs list` shows it.")]
Config = Annotated[str, typer.Argument(metavar="CONFIG", help="Which named run, e.g. denoising.")]
Seed = Annotated[int | None, typer.Option(help="Seed of the split, the weights and the noise.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs at most.")]

Budget = Annotated[
    float | None,
    typer.Option(
        parser=seconds_of, metavar="TIME", help="Time for the search of `auto`, e.g. 20m."
    ),
]


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List runs, newest first, with the gate's verdict or the error.

    Example: hourglass runs list --json
    """
    from pipelines.storage.engine import reading
    from pipelines.storage.runs import list_runs

    with answering(as_json=as_json), _runs() as engine, reading(engine) as session:
        rows = list_runs(session, limit=SHOWN, after=None)
        if as_json:
            print_json({"runs": [_values(row) for row in rows]})
            return
        for row in rows:
            outcome = row.error or row.artifact_id or ""
            typer.echo(
                f"{row.run_id}  {row.config:<16}{row.status:<10}{row.created_at:%F %T}  {outcome}"
            )


@app.command()
def show(run_id: RunId, as_json: JsonOption = False) -> None:
    """Show one run: how far it is, what it measured, what the gate said.

    Example: hourglass runs show 3f2a...
    """
    from pipelines.storage.engine import reading
    from pipelines.storage.runs import get_run

    with answering(as_json=as_json), _runs() as engine, reading(engine) as session:
        run = get_run(session, run_id=run_id)
        if run is None:
            raise NotFound(f"There is no run {run_id!r}; `hourglass runs list` lists them.")
        print_json(_values(run)) if as_json else _tell(run)


@app.command()
def start(
    config: Config,
    seed: Seed = None,
    epochs: Epochs = None,
    budget: Budget = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for a run; a worker carries it out when those before it are over.

    Example: hourglass runs start denoising --epochs 20
    """
    from pipelines.runs.requests import request_run, requested_config
    from pipelines.storage.engine import writing

    with answering(as_json=as_json), open_database(Settings.from_environment()) as engine:
        wanted = requested_config(config, seed=seed, epochs=epochs, budget_seconds=budget)
        with writing(engine) as session:
            run = request_run(session, wanted, now=datetime.now(UTC))
        _tell_status(run, as_json=as_json)


@app.command()
def cancel(run_id: RunId, as_json: JsonOption = False) -> None:
    """Call a run off; what is live stays live.

    Example: hourglass runs cancel 3f2a...
    """
    from pipelines.runs.requests import cancel_run
    from pipelines.storage.engine import writing

    with answering(as_json=as_json), _runs() as engine:
        with writing(engine) as session:
            run = cancel_run(session, run_id=run_id, now=datetime.now(UTC))
        _tell_status(run, as_json=as_json)


@contextmanager
def _runs() -> "Iterator[Engine]":
    """The database, where no run is said to be running that is not."""
    settings = Settings.from_environment()
    with open_database(settings) as engine:
        tell_dead_runs(engine, settings)
        yield engine


def _tell_status(run: "Run", *, as_json: bool) -> None:
    if as_json:
        print_json({"run_id": run.run_id, "status": run.status})
    else:
        typer.echo(f"{run.run_id}  {run.status}")


def _values(row: object) -> dict[str, Any]:
    names = ("run_id", "config", "status", "phase", "progress")
    outcome = ("metrics", "verdict", "error", "artifact_id")
    times = ("created_at", "started_at", "finished_at")
    return {name: getattr(row, name) for name in (*names, *outcome, *times)}


def _tell(run: "Run") -> None:
    typer.echo(f"{run.run_id}  {run.config}  {run.status}")
    if run.status == "running" and run.progress:
        shares = f"{100 * run.progress['fraction']:.0f} %"
        typer.echo(f"{run.phase}: {shares}, epoch {run.progress['epoch']}")
    for line in (run.artifact_id, run.error, *(run.verdict or {}).get("reasons", ())):
        if line:
            typer.echo(line)
