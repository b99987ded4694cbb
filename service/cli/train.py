"""`hourglass train`: interactions to a judged artifact, in this process."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json, stopping
from service.cli.database import open_database, tell_dead_runs
from service.cli.durations import seconds_of
from service.cli.training_bar import TrainingBar

if TYPE_CHECKING:
    from pipelines.training.run_config import RunConfig
    from pipelines.workflows import RunResult

app = command_app()

Config = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG", help="Which named run, e.g. denoising; or a .toml or .json file of one."
    ),
]
Seed = Annotated[int | None, typer.Option(help="Seed of the split, the weights and the noise.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs at most.")]
Device = Annotated[
    str | None,
    typer.Option(help="Where it trains: cpu, cuda (a GPU), or auto: a GPU if there is one."),
]
Budget = Annotated[
    float | None,
    typer.Option(
        parser=seconds_of,
        metavar="TIME",
        help="Time for the search of `auto`, e.g. 90s, 20m, 1.5h.",
        show_default="20m",
    ),
]
Once = Annotated[bool, typer.Option("--once", help="Skip what was trained before.")]


@app.command("train")
def train_command(
    config: Config,
    seed: Seed = None,
    epochs: Epochs = None,
    device: Device = None,
    budget: Budget = None,
    once: Once = False,
    as_json: JsonOption = False,
) -> None:
    """Train on the stored interactions or images, judge, and promote what passes the gate.

    On a processor same data and seed give the same artifact. Ctrl-C stops; what is live stays live.

    Example: hourglass train denoising --seed 7, or hourglass train auto --budget 20m
    """
    from pipelines.training.run_config import asked_run, with_options

    with answering(as_json=as_json):
        run = with_options(
            asked_run(config), seed=seed, epochs=epochs, device=device, budget_seconds=budget
        )
        result = _train(run, once=once)
        if result is None:
            _tell_current(run.name, as_json=as_json)
        elif as_json:
            print_json(asdict(result))
        else:
            _tell(result)


def _train(run: "RunConfig", *, once: bool) -> "RunResult | None":
    """The run's result; None when `once` finds that there is nothing to do."""
    from pipelines.registry.store import Store
    from pipelines.workflows import is_current, run_training

    settings = Settings.from_environment()
    with open_database(settings) as engine, TrainingBar() as bar:
        tell_dead_runs(engine, settings)
        if once and is_current(engine, run):
            return None
        store = Store(settings.store_url)
        with stopping("Nothing was published; what was live still is."):
            return run_training(engine, store, run, home=settings.home, on_progress=bar.show)


def _tell_current(name: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"config": name, "current": True})
    else:
        typer.echo(f"{name} was trained on these very data before; nothing to do.")


def _tell(result: "RunResult") -> None:
    for line in (*trial_lines(result.trials), *metric_lines(result.metrics)):
        typer.echo(line)
    typer.echo(f"{'Promoted' if result.promoted else 'Rejected'}: {result.artifact_id}")
    for reason in result.reasons:
        typer.echo(f"  {reason}")


def trial_lines(trials: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of what a search tried; empty where there was none."""
    if not trials:
        return []
    head = f"{'tried':<14}{'validation':>12}{'epochs':>8}{'seconds':>9}{'weight':>8}  outcome"
    return [head] + [
        f"{t['run']:<14}{'-' if t['metric'] is None else format(t['metric'], '.4f'):>12}"
        f"{t['epochs']:>8}{t['seconds']:>9.0f}{t['weight']:>8.2f}  {t['outcome']} {t['detail']}"
        for t in trials
    ]


def metric_lines(metrics: dict[str, Any]) -> list[str]:
    """A table of the test metrics beside those of plain answers; empty where nothing was held out.

    Last, of images: how often a label was right.
    """
    test, recognition = metrics["test"], metrics.get("recognition")
    plain = [name for name in metrics if name not in ("test", "recognition")]
    if test is None:
        return []
    lines = [f"{'':<12}{'network':>18}" + "".join(f"{name:>18}" for name in plain)]
    for name in test:
        figures = [_with_error(metrics[way][name]) for way in ("test", *plain)]
        lines.append(f"{name:<12}" + "".join(f"{figure:>18}" for figure in figures))
    if recognition is not None and recognition["accuracy"] is not None:
        lines.append(f"{'accuracy':<12}{recognition['accuracy']:>18.4f}")
    return lines


def _with_error(figure: dict[str, float | None]) -> str:
    mean, error = ("?" if value is None else f"{value:.4f}" for value in figure.values())
    return f"{mean} ± {error}"
