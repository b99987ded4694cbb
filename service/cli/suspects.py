"""`hourglass suspects`: groups of users who may be fake profiles. Reads only."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json
from service.cli.database import open_database

if TYPE_CHECKING:
    from pipelines.watch.groups import FoundGroups, UserGroup

SHOWN = 5
"""Ids of a group in a line."""

app = command_app()

Actions = Annotated[
    list[str] | None, typer.Option("--action", help="Only this action; may be repeated.")
]


@app.command("suspects")
def suspects_command(actions: Actions = None, as_json: JsonOption = False) -> None:
    """Show groups of users that are too alike: who they are, and which items they are after.

    Nothing is changed; `leave_out_suspects = true` in the data of a run trains without them.

    Example: hourglass suspects --action rating --json
    """
    from pipelines.storage.engine import reading
    from pipelines.watch.groups import find_groups

    with answering(as_json=as_json), open_database(Settings.from_environment()) as engine:
        with reading(engine) as session:
            found = find_groups(session, actions=tuple(actions or ()))
        if as_json:
            print_json(asdict(found))
            return
        for group in found.groups:
            typer.echo(_lines(group))
        typer.echo(_summary(found))


def _summary(found: "FoundGroups") -> str:
    if not found.n_users:
        return "no user has any such interaction: there is nobody to look at"
    groups = "1 group" if len(found.groups) == 1 else f"{len(found.groups)} groups"
    of_what = "ratings" if found.rated else "who has what (no ratings)"
    return f"{groups}, {len(found.suspects):,} suspects of {found.n_users:,} users, by {of_what}"


def _lines(group: "UserGroup") -> str:
    targets = _some([f"{target.item_id} ({target.side})" for target in group.targets])
    return (
        f"score {group.score:.1f}  {len(group.user_ids)} users  {_some(group.user_ids)}\n"
        f"    after {targets}\n"
        f"    share {len(group.shared)} other items  {_some(group.shared)}".rstrip()
    )


def _some(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return " ".join(names[:SHOWN]) + more
