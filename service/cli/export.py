"""`hourglass export`: what is stored and what was learnt, as files for use outside."""

from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json
from service.cli.database import open_database
from service.cli.export_bar import ExportBar

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pipelines.registry.export_target import Manifest
    from pipelines.registry.store import Store

app = command_app(group="What is stored and learnt, as files for use outside.")


class Entity(StrEnum):
    """Whose embeddings."""

    ITEMS = "items"
    USERS = "users"


class Space(StrEnum):
    """Which space; item embeddings lie in the decoder space."""

    DECODER = "decoder"
    CODE = "code"


Of = Annotated[Entity, typer.Option(help="Whose embeddings.")]
To = Annotated[
    Path,
    typer.Option(help="A file, whose ending tells the format, or a folder."),
]
InSpace = Annotated[Space, typer.Option(help="For users: `code` is the bottleneck.")]
N = Annotated[int, typer.Option("--n", min=1, max=1000, help="Items for each user.")]


@app.command()
def embeddings(of: Of, to: To, space: InSpace = Space.DECODER, as_json: JsonOption = False) -> None:
    """Write ids, vectors and the id of the artifact that they belong to; .npz too.

    The file appears when it is whole; an older one of that name stays until then. In a folder it
    is named by the time, and latest.json names the newest.

    Example: hourglass export embeddings --of items --to items.parquet
    """
    from pipelines.errors import InvalidInput
    from pipelines.registry.export import export_item_embeddings, export_user_embeddings
    from pipelines.storage.users import count_users

    with answering(as_json=as_json):
        if of is Entity.ITEMS and space is Space.CODE:
            raise InvalidInput("Items have no code: only users do. Leave out --space.")
        if of is Entity.ITEMS:
            write = partial(export_item_embeddings, to=to)
            _export("embeddings", write, None, as_json=as_json)
            return
        write = partial(export_user_embeddings, store=_store(), to=to, space=space)
        _export("embeddings", write, count_users, as_json=as_json)


@app.command()
def interactions(to: To, as_json: JsonOption = False) -> None:
    """Write all interactions (.parquet, .jsonl, .csv), as `hourglass import` reads them.

    Example: hourglass export interactions --to interactions.parquet
    """
    from pipelines.registry.export_rows import export_interactions
    from pipelines.storage.interactions import count_interactions

    with answering(as_json=as_json):
        write = partial(export_interactions, to=to)
        _export("interactions", write, count_interactions, as_json=as_json)


@app.command()
def recommendations(to: To, n: N = 10, as_json: JsonOption = False) -> None:
    """Write the n best items of every user (.parquet, .jsonl), as the API would answer.

    Example: hourglass export recommendations --to recommendations/ --n 20
    """
    from pipelines.registry.export_rows import export_recommendations
    from pipelines.storage.users import count_users

    with answering(as_json=as_json):
        write = partial(export_recommendations, store=_store(), to=to, n=n)
        _export("recommendations", write, lambda session: n * count_users(session), as_json=as_json)


def _export(
    what: str,
    write: "Callable[..., Manifest]",
    count: "Callable[[Session], int] | None",
    *,
    as_json: bool,
) -> None:
    """Run one export; `count` tells how many rows to expect at most."""
    from pipelines.storage.engine import reading

    with open_database(Settings.from_environment()) as engine:
        expected = None
        if count is not None:
            with reading(engine) as session:
                expected = count(session)
        with ExportBar(expected) as bar:
            manifest = write(engine, on_rows=bar.show)
    if as_json:
        print_json(asdict(manifest))
    else:
        typer.echo(f"{manifest.rows:,} {what} written to {manifest.path}.")


def _store() -> "Store":
    from pipelines.registry.store import Store

    return Store(Settings.from_environment().store_url)
