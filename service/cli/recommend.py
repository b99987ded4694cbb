"""`hourglass recommend`: a list on the command line, by the artifact that the API serves."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json, say
from service.cli.database import open_database

if TYPE_CHECKING:
    from pipelines.predictor.predictor import Which
    from pipelines.predictor.recommend import Recommendations

app = command_app()

User = Annotated[str | None, typer.Option(help="A stored user.")]
History = Annotated[
    list[str] | None, typer.Option("--item", help="An item of the history; repeat for each.")
]
Items = Annotated[
    Literal["all", "warm", "cold"],
    typer.Option(help="warm: only items that the network knows; cold: only new ones."),
]
Count = Annotated[int, typer.Option("--n", "-n", min=1, max=1000, help="Length of the list.")]


@app.command("recommend")
def recommend_command(
    user: User = None,
    item: History = None,
    n: Count = 10,
    items: Items = "all",
    as_json: JsonOption = False,
) -> None:
    """Recommend for a stored user, or for a history that need not be stored.

    Example: hourglass recommend --item song-4 --n 3
    """
    if (user is None) == (item is None):
        raise typer.BadParameter("Give either --user or --item, not both and not neither.")
    with answering(as_json=as_json):
        answer = _recommend(user, item or [], n, items)
        print_json(asdict(answer)) if as_json else _tell(answer)


def _recommend(user: str | None, history: list[str], n: int, items: "Which") -> "Recommendations":
    from pipelines.predictor.active import single_predictor
    from pipelines.predictor.popularity import Popularity
    from pipelines.predictor.recommend import recommend_for_history, recommend_for_user
    from pipelines.registry.registry import read_active
    from pipelines.registry.store import Store
    from pipelines.storage.engine import reading

    settings = Settings.from_environment()
    with open_database(settings) as engine, reading(engine) as session:
        artifact = read_active(session, Store(settings.store_url))
        predictor = single_predictor(session, artifact) if artifact else None
        asked = (session, predictor, Popularity())
        if user is not None:
            return recommend_for_user(*asked, user_id=user, n=n, items=items)
        return recommend_for_history(*asked, history=history, n=n, items=items)


def _tell(answer: "Recommendations") -> None:
    if answer.ignored:
        say(f"Unknown to the artifact, and ignored: {', '.join(answer.ignored)}")
    if answer.strategy == "popularity":
        say("No usable history: these are the most popular items.")
    for rank, item in enumerate(answer.recommendations, start=1):
        typer.echo(f"{rank:>4}  {item.score:>9.3f}  {item.item_id}  {item.title or ''}".rstrip())
