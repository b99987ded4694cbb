"""`hourglass anomalies`: what was found strange."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.errors import InvalidInput
from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json
from service.cli.database import open_database

if TYPE_CHECKING:
    from pipelines.watch.labelling import Relabelled
    from pipelines.watch.showing import ShownAnomaly

WIDTH = 60
"""Characters for the reasons in a line."""

app = command_app(group="What was found strange: users, items, interactions, images, groups.")

Subject = Annotated[
    str | None, typer.Option(help="user, item, interaction, image, group, row or window.")
]
Source = Annotated[str | None, typer.Option(help="An artifact, a detector, baseline or groups.")]
Limit = Annotated[int, typer.Option("-n", min=1, max=500, help="How many at most.")]
AnomalyId = Annotated[str, typer.Argument(metavar="ID", help="As `list --json` names it.")]
Label = Annotated[str | None, typer.Argument(metavar="[right|false-alarm]")]
Undo = Annotated[bool, typer.Option("--undo", help="Take the label back.")]
Note = Annotated[str | None, typer.Option(help="What you want to remember of it.")]
AlertRate = Annotated[
    float, typer.Option(min=0, max=1, help="For which before and after are told.")
]
Alarms = Annotated[bool, typer.Option("--alarms", help="Only those called anomalies.")]


@app.command("list")
def list_command(
    subject: Subject = None,
    source: Source = None,
    alarms: Alarms = False,
    n: Limit = 20,
    as_json: JsonOption = False,
) -> None:
    """List what was found, strangest first, with what makes it so.

    Example: hourglass anomalies list --subject user -n 5
    """
    from pipelines.storage.anomalies import AnomalyFilter
    from pipelines.storage.engine import reading
    from pipelines.storage.watch_tables import ANOMALY_SUBJECTS
    from pipelines.watch.showing import list_anomalies

    with answering(as_json=as_json), open_database(Settings.from_environment()) as engine:
        if subject is not None and subject not in ANOMALY_SUBJECTS:
            raise InvalidInput(
                f"There is no subject {subject!r}; take one of: {', '.join(ANOMALY_SUBJECTS)}."
            )
        wanted = AnomalyFilter(subject=subject, source=source, is_anomaly=True if alarms else None)
        with reading(engine) as session:
            rows = list_anomalies(session, limit=n, after=None, wanted=wanted)
        if as_json:
            print_json({"anomalies": [asdict(row) for row in rows]})
            return
        for row in rows:
            typer.echo(_line(row))


@app.command()
def label(
    anomaly_id: AnomalyId,
    label: Label = None,
    undo: Undo = False,
    note: Note = None,
    alert_rate: AlertRate = 0.01,
    as_json: JsonOption = False,
) -> None:
    """Say whether a finding is right; its source's threshold moves at once.

    Example: hourglass anomalies label 0f3c... false-alarm --note "a shared account"
    """
    from pipelines.storage.watch_tables import LABELS
    from pipelines.watch.labelling import label_anomaly
    from pipelines.watch.loading import LoadedDetectors

    if undo == (label is not None):
        raise typer.BadParameter("Give either a label or --undo, not both and not neither.")
    settings = Settings.from_environment()
    with answering(as_json=as_json), open_database(settings) as engine:
        if label is not None and label not in LABELS:
            raise InvalidInput(f"There is no label {label!r}; take one of: {', '.join(LABELS)}.")
        told = label_anomaly(
            engine,
            LoadedDetectors(engine, settings.store_url),
            anomaly_id=anomaly_id,
            label=label,
            note=note,
            alert_rate=alert_rate,
            now=datetime.now(UTC),
        )
        print_json(asdict(told)) if as_json else _tell(told)


def _tell(told: "Relabelled") -> None:
    typer.echo(f"{told.anomaly_id}  {told.label or 'no label'}")
    for when, state in (("before", told.before), ("after", told.after)):
        if state is not None:
            threshold = "none" if state.threshold is None else f"{state.threshold:.4g}"
            typer.echo(
                f"{when:<8}threshold {threshold}  promised {state.promised_rate:.3g}  "
                f"alerts {state.n_alerts}  labelled errors {state.labelled_errors}"
            )
    for note in told.notes:
        typer.echo(note)


def _line(row: "ShownAnomaly") -> str:
    about = " ".join(each for each in (row.user_id, row.item_id) if each is not None)
    mark = row.label or ("alarm" if row.is_anomaly else "")
    figures = f"p {row.p_value:<8.2g}  score {row.score:<8.3g}"
    stale = "stale  " if row.stale else ""
    return f"{row.subject:<12}{about:<24}{figures}  {mark:<12}{stale}{_reasons(row)}".rstrip()


def _reasons(row: "ShownAnomaly") -> str:
    """What adds most to the score, as much of it as fits."""
    names = [next(iter(each.values())) for each in row.contributions]
    text = ", ".join(str(name) for name in names)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."
