"""`hourglass export`: what was learnt, as files for use outside."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json, progress_console
from service.cli.database import open_database

app = command_app(group="What was learnt, as files for use outside.")


class Entity(StrEnum):
    """Whose embeddings."""

    ITEMS = "items"
    USERS = "users"


class Space(StrEnum):
    """Which space; item embeddings lie in the decoder space."""

    DECODER = "decoder"
    CODE = "code"


Of = Annotated[Entity, typer.Option(help="Whose embeddings.")]
To = Annotated[Path, typer.Option(help="The file: .parquet, .npz or .jsonl.")]
InSpace = Annotated[Space, typer.Option(help="For users: `code` is the bottleneck.")]


@app.command()
def embeddings(of: Of, to: To, space: InSpace = Space.DECODER, as_json: JsonOption = False) -> None:
    """Write ids, vectors and the id of the artifact that they belong to.

    The file appears when it is whole; an older one of that name stays until then.

    Example: hourglass export embeddings --of items --to items.parquet
    """
    from pipelines.errors import InvalidInput

    with answering(as_json=as_json):
        if of is Entity.ITEMS and space is Space.CODE:
            raise InvalidInput("Items have no code: only users do. Leave out --space.")
        n_rows = _export(of, to, space)
        if as_json:
            print_json({"path": str(to), "rows": n_rows})
        else:
            typer.echo(f"{n_rows:,} embeddings written to {to}.")


def _export(of: Entity, to: Path, space: Space) -> int:
    from pipelines.registry.export import export_item_embeddings, export_user_embeddings
    from pipelines.registry.store import Store

    settings = Settings.from_environment()
    with open_database(settings) as engine, progress_console.status("exporting") as status:

        def show(n_rows: int) -> None:
            status.update(f"exporting: {n_rows:,} rows")

        if of is Entity.ITEMS:
            return export_item_embeddings(engine, to, on_rows=show)
        store = Store(settings.store_url)
        return export_user_embeddings(engine, store, to, space=space, on_rows=show)
