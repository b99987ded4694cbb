"""`hourglass import`: interactions from a file or folder into the database."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.settings import Settings
from service.cli.console import (
    JsonOption,
    Stopped,
    answering,
    command_app,
    print_json,
    say,
)
from service.cli.database import open_database
from service.cli.import_progress import ImportBar

if TYPE_CHECKING:
    from pipelines.data.importing import ImportOptions, ImportReport

LESSON = "lesson"

app = command_app()

PathArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="PATH", help=f"File or folder; the word `{LESSON}` is the lesson's song table."
    ),
]
UserColumn = Annotated[str | None, typer.Option(help="CSV column with user ids.")]
ItemColumn = Annotated[str | None, typer.Option(help="CSV column with item ids.")]
WeightColumn = Annotated[str | None, typer.Option(help="CSV column with weights.")]
TimeColumn = Annotated[
    str | None, typer.Option(help="CSV column with times: seconds since 1970, or RFC 3339.")
]
ActionColumn = Annotated[str | None, typer.Option(help="CSV column with actions.")]
TitleColumn = Annotated[str | None, typer.Option(help="CSV column with titles of items.")]
CategoriesColumn = Annotated[
    str | None, typer.Option(help="CSV column with categories of items, | between them.")
]
Action = Annotated[
    str | None, typer.Option(help="What the interactions are, where no column says it.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at the first bad line and store nothing.")
]
Once = Annotated[bool, typer.Option("--once", help="Skip what was imported before.")]


@app.command("import")
def import_command(
    path: PathArgument = None,
    user_column: UserColumn = None,
    item_column: ItemColumn = None,
    weight_column: WeightColumn = None,
    time_column: TimeColumn = None,
    action_column: ActionColumn = None,
    title_column: TitleColumn = None,
    categories_column: CategoriesColumn = None,
    action: Action = None,
    strict: Strict = False,
    once: Once = False,
    as_json: JsonOption = False,
) -> None:
    """Import interactions; MovieLens, Last.fm, `user item item ...` and CSV are recognised.

    Importing a thing twice changes nothing. Bad lines are left out and reported.

    Example: hourglass import plays.csv --user-column listener --item-column track
    """
    from pipelines.data.formats.base import Columns
    from pipelines.data.importing import ImportOptions

    if path is None:
        message = f"Name a file or folder, or try `hourglass import {LESSON}`."
        raise typer.BadParameter(message, param_hint="PATH")
    columns = Columns(
        user=user_column,
        item=item_column,
        weight=weight_column,
        time=time_column,
        action=action_column,
        title=title_column,
        categories=categories_column,
    )
    options = ImportOptions(columns=columns, action=action, strict=strict, once=once)
    with answering(as_json=as_json):
        report = _import(path, options)
        print_json(asdict(report)) if as_json else _tell(report)


def _import(path: str, options: "ImportOptions") -> "ImportReport":
    from pipelines.data.import_source import SONG_TABLE
    from pipelines.data.importing import import_path

    chosen = SONG_TABLE if path == LESSON else Path(path)
    with open_database(Settings.from_environment()) as engine, ImportBar() as bar:
        try:
            return import_path(engine, chosen, options=options, progress=bar.show)
        except KeyboardInterrupt:
            rows = 0 if options.strict else bar.rows
            stored = f"The first {rows:,} rows are stored" if rows else "Nothing is stored"
            raise Stopped(f"{stored}. Import again to go on; nothing will double.") from None


def _tell(report: "ImportReport") -> None:
    if report.imported_before_at is not None:
        when = report.imported_before_at.strftime("%Y-%m-%d %H:%M UTC")
        typer.echo(f"{report.path} was imported before ({when}); nothing to do.")
        return
    for line in report.bad_lines:
        say(f"{line.file}, line {line.line}: {line.reason}")
    if report.bad > len(report.bad_lines):
        say(f"... and {report.bad - len(report.bad_lines):,} more bad lines.")
    typer.echo(
        f"{report.path} ({report.format}): {report.lines:,} lines; "
        f"{report.new:,} interactions new, {report.repeated:,} repeated, "
        f"{report.replaced:,} replaced; {report.bad:,} bad lines left out; "
        f"{report.items_described:,} items described; {report.seconds:.1f} s."
    )
