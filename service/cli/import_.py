"""`hourglass import`: interactions from a file, folder or standard input into the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
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
from service.cli.import_images import DIGITS, find, import_or_show
from service.cli.import_progress import ImportBar
from service.cli.standard_input import NAME, standard_input_as_file

if TYPE_CHECKING:
    from pipelines.data.importing import ImportOptions, ImportReport
    from pipelines.data.preview import Preview

LESSON = "lesson"
STANDARD_INPUT = "-"

_NO_PATH = f"Name a file or folder, or try `hourglass import {LESSON}`."

app = command_app()

PathArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="PATH",
        help=f"File, folder, zip file, or - for standard input; the word `{LESSON}` is the "
        f"lesson's song table, `{DIGITS}` scikit-learn's handwritten digits.",
    ),
]
UserColumn = Annotated[str | None, typer.Option(help="Column with user ids.")]
ItemColumn = Annotated[str | None, typer.Option(help="Column with item ids.")]
WeightColumn = Annotated[str | None, typer.Option(help="Column with weights.")]
TimeColumn = Annotated[
    str | None, typer.Option(help="Column with times: seconds since 1970, or RFC 3339.")
]
ActionColumn = Annotated[str | None, typer.Option(help="Column with actions.")]
TitleColumn = Annotated[str | None, typer.Option(help="Column with titles of items.")]
CategoriesColumn = Annotated[
    str | None, typer.Option(help="Column with categories of items, | between them.")
]
Action = Annotated[
    str | None, typer.Option(help="What the interactions are, where no column says it.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at the first bad line and store nothing.")
]
Once = Annotated[bool, typer.Option("--once", help="Skip what was imported before.")]
Member = Annotated[str | None, typer.Option(help="The file in a zip file, where several could be.")]
Labels = Annotated[
    str | None, typer.Option(help="IDX file with the labels of an IDX file of images.")
]
Category = Annotated[str | None, typer.Option(help="A category for all of the images.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show how it is read and its first rows; store nothing.")
]


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
    member: Member = None,
    labels: Labels = None,
    category: Category = None,
    dry_run: DryRun = False,
    as_json: JsonOption = False,
) -> None:
    """Import interactions from any format that is recognised, packed by gzip or zip or not; or
    images, from a folder of PNG, JPEG and WebP files or an IDX file.

    Twice changes nothing. Bad lines and images are left out and reported.

    Example: hourglass import plays.csv --user-column listener --item-column track
    Example: hourglass import train-images-idx3-ubyte.gz --category shirts
    """
    from pipelines.data.formats.base import Columns
    from pipelines.data.importing import ImportOptions

    if path is None:
        raise typer.BadParameter(_NO_PATH, param_hint="PATH")
    columns = Columns(user_column, item_column, weight_column, time_column, action_column)
    columns = replace(columns, title=title_column, categories=categories_column)
    options = ImportOptions(columns, action=action, strict=strict, once=once, member=member)
    with answering(as_json=as_json):
        images = find(path, labels=labels, category=category, options=options)
        if images is not None:
            import_or_show(images, options, dry_run=dry_run, as_json=as_json)
        else:
            _import_or_show(path, options, dry_run=dry_run, as_json=as_json)


@contextmanager
def _file(path: str, options: "ImportOptions") -> Iterator[tuple[Path, "ImportOptions"]]:
    """The path that was meant; standard input becomes a file for a while."""
    from pipelines.data.import_source import SONG_TABLE

    if path == STANDARD_INPUT:
        with standard_input_as_file(Settings.from_environment().home) as file:
            yield file, replace(options, called=NAME)
    else:
        yield SONG_TABLE if path == LESSON else Path(path), options


def _import(path: str, options: "ImportOptions") -> "ImportReport":
    from pipelines.data.importing import import_path

    settings = Settings.from_environment()
    with open_database(settings) as engine, _file(path, options) as meant, ImportBar() as bar:
        file, how = meant
        try:
            return import_path(engine, file, options=how, progress=bar.show)
        except KeyboardInterrupt:
            rows = 0 if options.strict else bar.rows
            stored = f"The first {rows:,} rows are stored" if rows else "Nothing is stored"
            raise Stopped(f"{stored}. Import again to go on; nothing will double.") from None


def _import_or_show(path: str, options: "ImportOptions", *, dry_run: bool, as_json: bool) -> None:
    if dry_run:
        shown = _preview(path, options)
        print_json(_preview_document(shown)) if as_json else _tell_preview(shown)
        return
    report = _import(path, options)
    print_json(asdict(report)) if as_json else _tell(report)


def _preview(path: str, options: "ImportOptions") -> "Preview":
    from pipelines.data.preview import preview

    with _file(path, options) as (file, how):
        return preview(file, options=how)


def _preview_document(shown: "Preview") -> dict[str, object]:
    return {**asdict(shown), "rows": [row._asdict() for row in shown.rows]}


def _tell_preview(shown: "Preview") -> None:
    typer.echo(f"{shown.path}: {shown.format} ({shown.summary})")
    for field, column in shown.fields.items():
        typer.echo(f"  {field} <- {column}")
    if shown.companions:
        typer.echo(f"  items described by {', '.join(shown.companions)}")
    for user_id, item_id, action, weight, when in shown.rows:
        moment = when.isoformat() if when.timestamp() else "untimed"
        typer.echo(f"  {user_id}  {item_id}  {action}  {weight:g}  {moment}")
    for line in shown.bad_lines:
        say(f"{line.file}, line {line.line}: {line.reason}")
    typer.echo("Nothing was stored (dry run).")


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
