"""Groups of users who are too alike, as findings of the watch. Not how they are found.

Of each: its members and what they are after, and which items add what to its score.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from models.progress import OnChunk
from pipelines.data.interactions import InteractionMatrix
from pipelines.storage.anomalies import NewAnomaly
from pipelines.watch.config import WatchConfig
from pipelines.watch.findings import Findings, Reasons, shares
from pipelines.watch.groups import UserGroup, groups_of

SOURCE: Final = "groups"
"""The source of their scores."""
MAX_SHARED: Final = 50
"""Other items that members share, of those that are listed."""


def find_user_groups(
    matrix: InteractionMatrix, config: WatchConfig, *, on_chunk: OnChunk
) -> Findings:
    """The groups that are suspect, the highest score first; all are called anomalies, by their own
    rule, as no rate can be promised. The p-value is a rank among the users.

    A group is known by the item that it is after most and the side that it takes, so that it stays
    the same when members join.
    """
    found = groups_of(matrix, on_chunk=on_chunk)
    kept = found.groups[: config.kept]
    findings = map(_finding, kept, _names(kept), _reasons(matrix, kept))
    return Findings("group", SOURCE, tuple(findings), found.n_users, len(found.groups))


def _finding(group: UserGroup, what: tuple[str, ...], reasons: Reasons) -> NewAnomaly:
    return NewAnomaly(
        what=what,
        score=group.score,
        p_value=group.p_value,
        is_anomaly=True,
        contributions=shares("item_id", reasons),
        item_id=group.targets[0].item_id,
        place={
            "user_ids": list(group.user_ids),
            "targets": [{"item_id": each.item_id, "side": each.side} for each in group.targets],
            "shared_item_ids": list(group.shared[:MAX_SHARED]),
            "n_shared": len(group.shared),
        },
    )


def _names(groups: tuple[UserGroup, ...]) -> Iterator[tuple[str, ...]]:
    """What tells each apart: its first target, and where several are after that, its place."""
    seen = Counter[tuple[str, str]]()
    for group in groups:
        target = (group.targets[0].item_id, group.targets[0].side)
        yield (*target, str(seen[target]))
        seen[target] += 1


def _reasons(matrix: InteractionMatrix, groups: tuple[UserGroup, ...]) -> Iterator[Reasons]:
    """What each item adds to each group's score: which share of the members have it, beside that of
    all users.
    """
    places = {user_id: num for num, user_id in enumerate(matrix.user_ids)}
    columns = {item_id: num for num, item_id in enumerate(matrix.vocabulary.item_ids)}
    usual = _shares_of(matrix.x)
    for group in groups:
        held = _shares_of(matrix.x[[places[user_id] for user_id in group.user_ids]])
        yield [
            (item_id, float(held[columns[item_id]]), float(usual[columns[item_id]]), added)
            for item_id, added in group.contributions.items()
        ]


def _shares_of(x: Any) -> Any:
    """The share of the rows of x (n, n_items) that have each item, (n_items,)."""
    return np.bincount(x.indices, minlength=x.shape[1]) / x.shape[0]
