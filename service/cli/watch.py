"""`hourglass watch`: one look over everything, in this process."""

from typing import Annotated, Any

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json, stopping
from service.cli.database import open_database, tell_dead_runs
from service.cli.training_bar import TrainingBar

app = command_app()

AlertRate = Annotated[
    float | None, typer.Option(help="Share of usual ones that may be called anomalies.")
]
DiscoveryRate = Annotated[
    float | None,
    typer.Option(
        "--false-discovery-rate",
        help="For users and interactions in its place: share of those called anomalies that may be "
        "usual.",
    ),
]


@app.command("watch")
def watch_command(
    alert_rate: AlertRate = None,
    false_discovery_rate: DiscoveryRate = None,
    as_json: JsonOption = False,
) -> None:
    """Look over users, interactions, items, images and groups of users who are too alike, and at
    what the detectors are over; keep what is strangest.

    `hourglass anomalies list` shows it. Ctrl-C stops; what was looked at so far is kept.

    Example: hourglass watch --alert-rate 0.001
    """
    from pipelines.registry.store import Store
    from pipelines.runs.requests import requested_config
    from pipelines.watch.config import WatchConfig
    from pipelines.workflows import run_watch

    settings = Settings.from_environment()
    with answering(as_json=as_json):
        config = requested_config(
            "watch", alert_rate=alert_rate, false_discovery_rate=false_discovery_rate
        )
        assert isinstance(config, WatchConfig)
        with open_database(settings) as engine, TrainingBar() as bar:
            tell_dead_runs(engine, settings)
            store = Store(settings.store_url)
            with stopping("What was looked at so far is kept."):
                figures = run_watch(engine, store, config, home=settings.home, on_progress=bar.show)
        print_json(figures) if as_json else _tell(figures)


def _tell(figures: dict[str, Any]) -> None:
    typer.echo(f"{'':<14}{'looked at':>12}{'anomalies':>12}{'kept':>8}")
    detectors = figures.get("detectors", {})
    subjects = {name: row for name, row in figures.items() if name not in ("drift", "detectors")}
    for name, row in {**subjects, **detectors}.items():
        if "problem" in row:
            typer.echo(f"{name}: {row['problem']}")
            continue
        counts = f"{row['looked_at']:>12,}{row['anomalies']:>12,}{row['kept']:>8,}"
        typer.echo(f"{name:<14}{counts}")
    drift = figures.get("drift", {"status": "unknown", "inputs": []})
    typer.echo(f"drift: {drift['status']} {', '.join(drift['inputs'])}".rstrip())
