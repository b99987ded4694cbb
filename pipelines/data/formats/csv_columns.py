"""Which column of a CSV file holds what: by the names the caller gave, else by usual names."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches

from pipelines.data.formats.base import Columns
from pipelines.errors import FieldError, InvalidInput

USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "user": ("user_id", "user", "client_id", "client", "customer_id", "customer"),
    "item": (
        *("item_id", "item", "movie_id", "movie", "song_id", "song"),
        *("artist_id", "artist", "track_id", "track", "product_id", "product"),
    ),
    "weight": ("weight", "rating", "count", "plays", "play_count"),
    "time": ("occurred_at", "timestamp", "time"),
    "action": ("action",),
    "title": ("title",),
    "categories": ("categories", "genres"),
    "tags": ("tags",),
}
"""Compared without regard to case, spaces, `_` and `-`; the first that is there counts."""

ACTIONS = {"rating": "rate", "plays": "play", "playcount": "play"}
"""What rows are when there is no action column, by the name of the weight column."""
DEFAULT_ACTION = "like"


@dataclass(frozen=True)
class Positions:
    """Column numbers from 0; None: there is no such column."""

    user: int
    item: int
    weight: int | None
    time: int | None
    action: int | None
    title: int | None
    categories: int | None

    def names(self, header: Sequence[str]) -> dict[str, str]:
        """The name of the column of each part that has one."""
        return {part: header[at] for part, at in asdict(self).items() if at is not None}


def has_usual_names(header: Sequence[str]) -> bool:
    """Whether the columns of users and of items can be told by their names."""
    return all(usual_position(header, part) is not None for part in ("user", "item"))


def find_columns(header: Sequence[str], columns: Columns, *, file: str) -> Positions:
    """The position of each column. Raises InvalidInput that names the nearest column."""
    found = {
        part: _position(header, part, named, file=file) for part, named in asdict(columns).items()
    }
    user, item = found.pop("user"), found.pop("item")
    if user is None or item is None:
        part = "user" if user is None else "item"
        detail = (
            f"{file}: no column is known to hold the {part} ids; name it with --{part}-column. "
            f"Its columns are {', '.join(header)}."
        )
        raise InvalidInput(detail, errors=[FieldError(f"/columns/{part}", detail)])
    return Positions(user=user, item=item, **found)


def action_of(header: Sequence[str], positions: Positions) -> str:
    """The action of rows in a file without an action column."""
    if positions.weight is None:
        return DEFAULT_ACTION
    return ACTIONS.get(_plain(header[positions.weight]), DEFAULT_ACTION)


def _position(header: Sequence[str], part: str, named: str | None, *, file: str) -> int | None:
    if named is None:
        return usual_position(header, part)
    if named in header:
        return header.index(named)
    # The list is sorted by likeness; without any likeness all columns are shown anyway.
    nearest = get_close_matches(named, header, n=1, cutoff=0.0)
    detail = (
        f"{file} has no column {named!r} (--{part}-column); the nearest is {nearest[0]!r}. "
        f"Its columns are {', '.join(header)}."
    )
    raise InvalidInput(detail, errors=[FieldError(f"/columns/{part}", detail)])


def usual_position(header: Sequence[str], part: str) -> int | None:
    """Where the column of a part is by its usual names; None where there is none."""
    plain = [_plain(name) for name in header]
    usual = (_plain(name) for name in USUAL_NAMES[part])
    return next((plain.index(name) for name in usual if name in plain), None)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")
