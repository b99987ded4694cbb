"""`hourglass detectors`: asked for, which there are, what they learned, weighed anew, away."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json, stopping
from service.cli.database import open_database, tell_dead_runs
from service.cli.training_bar import TrainingBar

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from pipelines.watch.loading import LoadedDetector
    from pipelines.watch.reweighting import Weighed

SHOWN = 100

app = command_app(group="Detectors of strange rows: add, list, show, reweight, delete.")

Over = Literal["users", "items", "images", "sequences"]
DetectorId = Annotated[str, typer.Argument(metavar="DETECTOR_ID", help="As the list shows it.")]


@app.command()
def add(
    over: Annotated[Over, typer.Argument(help="What is stored that it looks over.")],
    name: Annotated[str, typer.Option(help="Its id begins with it.")] = "",
    seed: Annotated[int, typer.Option(help="Of the fit.")] = 0,
    window: Annotated[int, typer.Option(min=2, help="Of sequences: rows of a window.")] = 16,
    step: Annotated[int, typer.Option(min=1, help="Of sequences: rows to the next.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Ask for a detector over what is stored; a worker fits it.

    Example: hourglass detectors add images
    """
    from pipelines.storage.engine import writing
    from pipelines.watch.answers import plan_detector
    from pipelines.watch.asking import request_detector
    from pipelines.watch.settings import settings_of

    values = {"over": over, "name": name, "seed": seed, "window": window, "step": step}
    with answering(as_json=as_json), open_database(Settings.from_environment()) as engine:
        settings = settings_of(values)
        plan = plan_detector(engine, settings, None)
        with writing(engine) as session:
            asked = request_detector(session, settings, None, now=datetime.now(UTC))
        if as_json:
            print_json(asdict(asked))
            return
        rows = f"{plan.n_usable:,} rows"
        typer.echo(f"{asked.detector_id} is {asked.status}: {rows}; a worker fits it.")
        for note in plan.notes:
            typer.echo(note)


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
            line = f"{row.detector_id:<40}{row.over:<11}{row.status:<10}{row.created_at:%F %T}"
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
        regime = f"; {facts['regime']}" if "regime" in facts else ""
        typer.echo(
            f"{facts['n_train']:,} rows to learn from, {facts['n_calibration']:,} held out, "
            f"{facts['n_problems']:,} left out{regime}"
        )
        for use in facts["columns"]:
            constant = "  never varies" if use["constant"] else ""
            typer.echo(f"  {use['column']:<30}{use['kind']}{constant}")
        for each in facts["left_out"]:
            typer.echo(f"  {each['column']:<30}left out: {each['detail']}")


@app.command()
def reweight(
    detector_id: DetectorId,
    undo: Annotated[bool, typer.Option("--undo", help="Take the newest weights away.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Weigh a detector's columns anew by the labels of its findings, here and now.

    Before and after are told. `hourglass anomalies label` gives labels.

    Example: hourglass detectors reweight people-0123456789abcdef
    """
    from pipelines.storage.engine import reading, writing
    from pipelines.watch.loading import LoadedDetectors
    from pipelines.watch.reweighting import undo_reweight, weighed

    settings = Settings.from_environment()
    with answering(as_json=as_json), open_database(settings) as engine:
        detectors = LoadedDetectors(engine, settings.store_url)
        if undo:
            with writing(engine) as session:
                told = undo_reweight(session, detectors.get(detector_id))
        else:
            _reweight(engine, detectors.get(detector_id), settings)
            with reading(engine) as session:
                told = weighed(session, detectors.get(detector_id))
        print_json(asdict(told)) if as_json else _tell_weights(told)


def _reweight(engine: "Engine", loaded: "LoadedDetector", settings: Settings) -> None:
    from pipelines.registry.store import Store
    from pipelines.storage.engine import reading
    from pipelines.watch.reweighting import reweight_config
    from pipelines.workflows import run_reweight

    tell_dead_runs(engine, settings)
    with reading(engine) as session:
        config = reweight_config(session, loaded)
    store = Store(settings.store_url)
    with TrainingBar() as bar, stopping("The weights are what they were."):
        run_reweight(engine, store, config, home=settings.home, on_progress=bar.show)


def _tell_weights(told: "Weighed") -> None:
    typer.echo(f"{told.detector_id}  version {told.version}")
    figures = told.figures or {}
    for when in ("before", "after"):
        if when in figures:
            state = figures[when]
            threshold = "none" if state["threshold"] is None else f"{state['threshold']:.4g}"
            auroc = "-" if state["auroc"] is None else f"{state['auroc']:.3f}"
            typer.echo(
                f"{when:<8}AUROC of labels {auroc}  threshold {threshold}  "
                f"alerts {state['n_alerts']}  labelled errors {state['labelled_errors']}"
            )
    for name, weight in sorted(told.weights.items(), key=lambda each: -each[1]):
        typer.echo(f"  {name:<30}{weight:.3f}")


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
