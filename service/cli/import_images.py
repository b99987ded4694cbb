"""The part of `hourglass import` that takes images. Which path means images: `find`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipelines.errors import InvalidInput, NotFound
from pipelines.settings import Settings
from service.cli.console import Stopped, print_json, say
from service.cli.database import open_database
from service.cli.import_progress import ImportBar

if TYPE_CHECKING:
    from pipelines.data.image_importing import BadImage, ImagePreview, ImageReport
    from pipelines.data.image_source import ImageSource
    from pipelines.data.importing import ImportOptions

DIGITS = "digits"


def find(
    path: str, *, labels: str | None, category: str | None, options: "ImportOptions"
) -> "ImageSource | None":
    """The images that the path means, None where it means interactions.

    Raises InvalidInput for options that do not go with what it means.
    """
    from pipelines.data.image_sources import Digits, find_images

    if labels is not None and not Path(labels).is_file():
        raise NotFound(f"There is no file {labels}.")
    found: ImageSource | None = Digits()
    if path != DIGITS:
        given = None if labels is None else Path(labels)
        found = find_images(Path(path), labels=given, category=category)
    if found is None and (labels or category):
        raise InvalidInput(f"{path} holds no images; --labels and --category are for images only.")
    if found is not None and (options.columns.any_named() or options.action or options.member):
        raise InvalidInput(f"{path} holds images, which have no columns, action or member.")
    return found


def import_or_show(
    source: "ImageSource", options: "ImportOptions", *, dry_run: bool, as_json: bool
) -> None:
    """Import the images, or with `dry_run` show how they are read; say what came of it."""
    from pipelines.data.image_importing import preview_images

    if dry_run:
        shown = preview_images(source)
        print_json(asdict(shown)) if as_json else _tell_preview(shown)
        return
    report = _import(source, options)
    print_json(asdict(report)) if as_json else _tell(report)


def _import(source: "ImageSource", options: "ImportOptions") -> "ImageReport":
    from pipelines.data.image_importing import import_images

    with open_database(Settings.from_environment()) as engine, ImportBar("images") as bar:
        try:
            return import_images(
                engine, source, strict=options.strict, once=options.once, progress=bar.show
            )
        except KeyboardInterrupt:
            images = 0 if options.strict else bar.rows
            stored = f"The first {images:,} images are stored" if images else "Nothing is stored"
            raise Stopped(f"{stored}. Import again to go on; nothing will double.") from None


def _tell_preview(shown: "ImagePreview") -> None:
    typer.echo(f"{shown.path}: {shown.format}, {shown.n_images:,} images, {shown.bad:,} bad")
    for item_id, categories in shown.first:
        typer.echo(f"  {item_id}  {' | '.join(categories)}".rstrip())
    _tell_bad(shown.bad, shown.bad_images)
    typer.echo("Nothing was stored (dry run).")


def _tell(report: "ImageReport") -> None:
    if report.imported_before_at is not None:
        when = report.imported_before_at.strftime("%Y-%m-%d %H:%M UTC")
        typer.echo(f"{report.path} was imported before ({when}); nothing to do.")
        return
    _tell_bad(report.bad, report.bad_images)
    typer.echo(
        f"{report.path} ({report.format}): {report.new:,} images new, "
        f"{report.repeated:,} repeated, {report.replaced:,} replaced; "
        f"{report.bad:,} bad ones left out; {report.seconds:.1f} s."
    )


def _tell_bad(bad: int, first: "tuple[BadImage, ...]") -> None:
    for image in first:
        say(f"{image.name}: {image.reason}")
    if bad > len(first):
        say(f"... and {bad - len(first):,} more bad ones.")
