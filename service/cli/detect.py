"""`hourglass detect`: the strange rows of a file, with reasons."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json, say, stopping
from service.cli.database import open_database
from service.cli.standard_input import NAME
from service.cli.training_bar import TrainingBar

if TYPE_CHECKING:
    from pipelines.watch.detecting import Judge
    from pipelines.watch.found_stretches import FoundStretch
    from pipelines.watch.row_table import Kinds, RowTable
    from pipelines.watch.scoring import ScoredRow, ScoredRows

STANDARD_INPUT = "-"
REASONS = 3
"""Columns that are told of a row."""
LEAST_SHARE = 0.05
"""Of a score, below which a column is no reason."""
PROBLEMS = 10
"""Bad rows that are told of."""

app = command_app()

FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="CSV, Parquet, JSON or JSON Lines, also in gzip; or - for standard input.",
    ),
]
DetectorOption = Annotated[
    str | None, typer.Option(metavar="DETECTOR_ID", help="Score by this one; fit none.")
]
FitOn = Annotated[
    str | None, typer.Option(metavar="FILE", help="Fit to the rows of this file instead.")
]
AlertRate = Annotated[
    float | None,
    typer.Option(help="Share of usual rows that may be called anomalies.", show_default="0.01"),
]
DiscoveryRate = Annotated[
    float | None, typer.Option(help="Instead: share of anomalies that may be false.")
]
Regime = Annotated[
    str,
    typer.Option(help="clean: the rows fitted to are all usual; contaminated, auto: perhaps not."),
]
Form = Annotated[str, typer.Option(help="full or fast.")]
Seed = Annotated[int, typer.Option(help="Of the fit.")]
Categorical = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Numbers that are names of categories; repeat for each."),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Says nothing, like an id; repeat for each."),
]
Series = Annotated[
    bool, typer.Option("--series", help="The rows follow each other in time: find odd stretches.")
]
Order = Annotated[
    str, typer.Option(metavar="COLUMN", help="Of series: numbers or times that rise.")
]
Group = Annotated[str, typer.Option(metavar="COLUMN", help="Of series: which one a row is of.")]
Window = Annotated[int, typer.Option(min=2, help="Of series: rows of a window.")]
Step = Annotated[int, typer.Option(min=1, help="Of series: rows from a window to the next.")]
Count = Annotated[int, typer.Option("-n", min=1, max=1000, help="Rows to print.")]
Output = Annotated[
    Path | None, typer.Option(metavar="CSV", help="Write the scores of all rows here.")
]


@app.command("detect")
def detect_command(
    file: FileArgument,
    detector: DetectorOption = None,
    fit_on: FitOn = None,
    alert_rate: AlertRate = None,
    false_discovery_rate: DiscoveryRate = None,
    regime: Regime = "auto",
    form: Form = "full",
    seed: Seed = 0,
    categorical: Categorical = None,
    ignore: Ignore = None,
    series: Series = False,
    order: Order = "",
    group: Group = "",
    window: Window = 16,
    step: Step = 2,
    n: Count = 10,
    output: Output = None,
    as_json: JsonOption = False,
) -> None:
    """Find the strange rows of a file, and say which columns make them so.

    A detector is fitted to the file itself, or to another; or one is taken that the service has.
    Rows that cannot be used are listed, the others are scored.

    Example: hourglass detect people.csv --ignore name -n 5
    Example: hourglass detect pump.csv --series --order measured_at -n 3
    Example: hourglass detect new.csv --fit-on usual.csv --regime clean --output scores.csv
    """
    if detector is not None and fit_on is not None:
        raise typer.BadParameter("Give either --detector or --fit-on, not both.")
    options = {"regime": regime, "form": form, "seed": seed}
    lists = {"categorical": categorical or [], "ignore": ignore or []}
    cut = {"order": order, "group": group, "window": window, "step": step}
    settings = {**options, **lists, **cut, "over": "series" if series else "table"}
    rates = (alert_rate, false_discovery_rate)
    with answering(as_json=as_json), stopping("Nothing was written."):
        table, scored = _detect(file, detector, fit_on, settings, rates, n)
        _answer(file, table, scored, n, output, as_json=as_json)


def _answer(
    file: str,
    table: "RowTable",
    scored: "ScoredRows",
    n: int,
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    if output is not None:
        from pipelines.watch.detecting import write_scores

        write_scores(output, scored, table)
    if as_json:
        print_json(_document(scored, table, n))
    else:
        _tell(file, scored, table, n)


def _detect(
    file: str,
    detector: str | None,
    fit_on: str | None,
    settings: dict[str, Any],
    rates: tuple[float | None, float | None],
    n: int,
) -> "tuple[RowTable, ScoredRows]":
    from pipelines.watch.detecting import detect, fitted_to
    from pipelines.watch.scoring import Rule, kinds_of
    from pipelines.watch.settings import settings_of

    rule = Rule(*rates)
    chosen = settings_of(settings)
    with TrainingBar() as bar:
        if detector is not None:
            judge, own = _stored(detector), False
        else:
            learned, own = _table(fit_on or file), fit_on is None
            judge = fitted_to(learned, chosen, on_progress=bar.show)
        table = learned if own else _table(file, kinds_of(judge.loaded))
        return table, detect(judge, table, rule, n=n, own=own)


def _table(file: str, kinds: "Kinds | None" = None) -> "RowTable":
    from pipelines.watch.table_files import read_table

    if file == STANDARD_INPUT:
        return read_table(sys.stdin.buffer, called=NAME, kinds=kinds)
    with Path(file).open("rb") as stream:
        return read_table(stream, called=file, kinds=kinds)


def _stored(detector_id: str) -> "Judge":
    from pipelines.registry.store import Store
    from pipelines.watch.detecting import stored_judge

    settings = Settings.from_environment()
    with open_database(settings) as engine:
        return stored_judge(engine, Store(settings.store_url), detector_id)


def _document(scored: "ScoredRows", table: "RowTable", n: int) -> dict[str, Any]:
    """With the line on which a row begins, where the file has lines; user and item have none."""
    document = asdict(scored)
    document["rows"] = [
        {"line": table.lines.get(row.row), **_without_ids(asdict(row))} for row in scored.rows[:n]
    ]
    document["stretches"] = document["stretches"] and document["stretches"][:n]
    document["problems"] = [
        {"line": table.lines.get(each.row), **asdict(each)} for each in scored.problems
    ]
    return document


def _without_ids(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("user_id", "item_id")}


def _tell(file: str, scored: "ScoredRows", table: "RowTable", n: int) -> None:
    for problem in scored.problems[:PROBLEMS]:
        say(f"{_place(problem.row, table)}: {problem.detail}")
    if len(scored.problems) > PROBLEMS:
        say(f"... and {len(scored.problems) - PROBLEMS:,} more problems.")
    for note in scored.notes:
        say(note)
    by = (
        f"an alert rate of {scored.alert_rate:g}"
        if scored.alert_rate is not None
        else f"a false-discovery rate of {scored.false_discovery_rate:g}"
    )
    typer.echo(
        f"{NAME if file == STANDARD_INPUT else file}: {scored.n_scored:,} rows scored, "
        f"{len({each.row for each in scored.problems}):,} left out; "
        f"{scored.n_anomalies:,} anomalies at {by}."
    )
    if scored.stretches is not None:
        _tell_stretches(scored.stretches[:n], table)
        return
    for row in scored.rows[:n]:
        p_value = "" if row.p_value is None else f"p {row.p_value:.3g}"
        mark = "anomaly" if row.is_anomaly else ""
        head = f"{_place(row.row, table):<12}{row.anomaly_score:>9.2f}  {p_value:<10}{mark:<9}"
        typer.echo(f"{head}{_reasons(row)}".rstrip())


def _tell_stretches(stretches: "Sequence[FoundStretch]", table: "RowTable") -> None:
    for each in stretches:
        where = f"{_place(each.start, table)} to {_place(each.end, table)}"
        if each.started_at is not None:
            where += f" ({each.started_at} to {each.ended_at})"
        whose = f"  {each.series}" if each.series is not None else ""
        head = f"{where}{whose}  {each.score:.2f}  p {each.p_value:.3g}"
        typer.echo(f"{head}  {_reasons(each)}".rstrip())


def _place(row: int, table: "RowTable") -> str:
    """Where people find the row: by its line, or by its number from 0."""
    return f"line {table.lines[row]}" if row in table.lines else f"row {row}"


def _reasons(found: "ScoredRow | FoundStretch") -> str:
    """What adds most to the score, with its share, what was there and what is usual."""
    whole = sum(each.contribution for each in found.contributions) or 1.0
    parts = []
    telling = [each for each in found.contributions if each.contribution > LEAST_SHARE * whole]
    for each in telling[:REASONS]:
        share = f"{100 * each.contribution / whole:.0f} %"
        if each.expected is None and each.observed is None:
            parts.append(f"{each.column} ({share})")
        else:
            parts.append(
                f"{each.column} {_cell(each.observed)}, not {_cell(each.expected)} ({share})"
            )
    return "; ".join(parts)


def _cell(value: object) -> str:
    if value is None:
        return "missing"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
