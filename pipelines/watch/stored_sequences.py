"""What users did in time order, as series for detectors: a row is an interaction, a series a user.

Interactions without a time have no place in an order, and are left out. Not which are strange.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import torch
from sqlalchemy.orm import Session

from models.detectors.cells import RowProblem
from pipelines.errors import NotReady
from pipelines.storage.activity import count_others, keys_of, names_of, read_activity
from pipelines.watch.row_table import Array, RowTable

GROUP: Final = "user_id"
LABELS: Final = ("item_id", "occurred_at")
"""Columns that name an interaction, and are not looked at."""
SECOND: Final = 1_000_000
"""Microseconds."""


def stored_sequences(session: Session, ids: Sequence[str] | None, *, least: int) -> RowTable:
    """The timed interactions of these users, or of all, who have at least so many; `numbers` are
    their places in the history of a user.

    Columns: `log_gap`, log(1 + seconds since the one before), the first of a user taking the gap of
    the second; `log_audience`, log(1 + users of the item); `weight`. Users that are asked for and
    have fewer are problems. Raises NotReady where nobody has so many.
    """
    known = keys_of(session, "users", ids)
    keys = None if ids is None else known
    parts = [np.array(rows) for rows in read_activity(session, "users", keys) if rows]
    rows = np.concatenate(parts) if parts else np.zeros((0, 4))
    rows = _timed(rows, least)
    if not len(rows) and ids is None:
        raise NotReady(
            f"No user has {least} interactions with a time, as a window takes. POST "
            "/v1/interactions with `occurred_at` first, or ask for a shorter `window`."
        )
    names = sorted(known.values())
    place = {name: num for num, name in enumerate(names)}
    users = np.array([place[known[key]] for key in rows[:, 0].tolist()], dtype=np.int64)
    order = np.lexsort((rows[:, 1], rows[:, 3], users))
    rows, users = rows[order], users[order]
    reach = count_others(session, "users", keys)
    every = keys is None
    items = keys_of(session, "items", None) if every else _names(session, rows[:, 1])
    user_ids = [names[num] for num in users.tolist()]
    return RowTable(
        columns={
            GROUP: user_ids,
            "item_id": [items[key] for key in rows[:, 1].tolist()],
            "occurred_at": [_told(moment) for moment in rows[:, 3].tolist()],
            "log_gap": _log_gaps(users, rows[:, 3]),
            "log_audience": np.log1p(np.array([reach[key] for key in rows[:, 1].tolist()], float)),
            "weight": rows[:, 2].copy(),
        },
        numbers=_places(users),
        problems=_too_few(ids, set(user_ids), least),
        ids=tuple(user_ids),
    )


def _names(session: Session, keys: Array) -> dict[int, str]:
    """The ids of the items of these keys, each asked for once."""
    return names_of(session, "items", np.unique(keys).astype(np.int64).tolist())


def _timed(rows: Array, least: int) -> Array:
    """Those of the rows (user key, item key, weight, moment) that have a time, of users with at
    least so many.
    """
    rows = rows[rows[:, 3] != 0]
    _, nums, counts = np.unique(rows[:, 0], return_inverse=True, return_counts=True)
    return rows[counts[nums] >= least] if len(rows) else rows


def drawn_sequences(table: RowTable, most: int, *, generator: torch.Generator) -> RowTable:
    """Users drawn from a table, whole, until there are so many interactions; one at least."""
    users = np.array(table.ids)
    names, first, sizes = np.unique(users, return_index=True, return_counts=True)
    order = torch.randperm(len(names), generator=generator).numpy()
    n_users = max(1, int(np.searchsorted(np.cumsum(sizes[order]), most, side="right")))
    chosen = np.sort(order[:n_users])
    rows = np.concatenate([np.arange(first[num], first[num] + sizes[num]) for num in chosen])
    return table.at(rows.tolist())


def _log_gaps(users: Array, moments: Array) -> Array:
    """log(1 + seconds) since the interaction before, (n,); 0 for a user's only one."""
    gaps = np.diff(moments, prepend=moments[:1]) / SECOND
    first = np.diff(users, prepend=-1) != 0
    gaps[first] = 0.0
    follows = np.flatnonzero(first[:-1] & ~first[1:])
    gaps[follows] = gaps[follows + 1]
    logs: Array = np.log1p(gaps)
    return logs


def _places(users: Array) -> Array:
    """The place of each row among those of its user, (n,)."""
    first = np.flatnonzero(np.diff(users, prepend=-1))
    sizes = np.diff(np.append(first, len(users)))
    return np.arange(len(users)) - np.repeat(first, sizes)


def _too_few(ids: Sequence[str] | None, found: set[str], least: int) -> tuple[RowProblem, ...]:
    return tuple(
        RowProblem(num, None, f"User {each!r} has fewer than {least} interactions with a time.")
        for num, each in enumerate(ids or ())
        if each not in found
    )


def _told(moment: Any) -> str:
    """A time as RFC 3339."""
    return datetime.fromtimestamp(moment / SECOND, UTC).isoformat()
