"""What is stored as tables of rows for detectors: users and items by their interactions. Images:
`stored_images.py`. Not which of them are strange.
"""

from array import array
from collections.abc import Sequence
from operator import itemgetter
from typing import Final, cast

import numpy as np
import torch
from sqlalchemy.orm import Session

from models.detectors.cells import RowProblem
from pipelines.errors import NotReady
from pipelines.storage.activity import Side, count_others, keys_of, read_activity
from pipelines.watch.row_table import Array, RowTable, take
from pipelines.watch.stored_images import MAX_FITTED_IMAGES, stored_images

FEW: Final = 5
"""An item with at most so many users is rare, a user with so few items short."""
MAX_FITTED: Final = 50_000
"""Rows that a detector is fitted to; of more, so many are drawn."""
DAY: Final = 86_400_000_000
"""Microseconds."""
NAMES: Final[dict[Side, dict[str, str]]] = {
    "users": {"others": "log_items", "reach": "mean_log_audience", "few": "share_rare_items"},
    "items": {"others": "log_users", "reach": "mean_log_history", "few": "share_short_histories"},
}
"""What three of the columns are called; the others have one name for both."""


def stored_table(session: Session, over: str, *, ids: Sequence[str] | None = None) -> RowTable:
    """The rows of these ids, in their order, or of all in the order of their ids.

    Ids of which nothing is stored are problems. Raises NotReady where nothing is stored at all.
    """
    if over == "images":
        found_ids, columns = stored_images(session, ids)
    else:
        found_ids, columns = _sides(session, over, ids)
    if ids is None:
        if not found_ids:
            raise NotReady(_NOTHING[over])
        order = sorted(range(len(found_ids)), key=found_ids.__getitem__)
        asked: list[int] = list(range(len(order)))
    else:
        place = {found: num for num, found in enumerate(found_ids)}
        asked = [num for num, each in enumerate(ids) if each in place]
        order = [place[ids[num]] for num in asked]
    return RowTable(
        columns={name: take(column, order) for name, column in columns.items()},
        numbers=np.array(asked, dtype=np.int64),
        problems=tuple(_unknown(over, num, each) for num, each in _others(ids, set(found_ids))),
        ids=tuple(found_ids[num] for num in order),
    )


def drawn(table: RowTable, over: str, *, generator: torch.Generator) -> RowTable:
    """At most so many of the rows of a table as a detector is fitted to, in their order."""
    most = MAX_FITTED_IMAGES if over == "images" else MAX_FITTED
    if len(table) <= most:
        return table
    chosen = torch.randperm(len(table), generator=generator)[:most].sort().values.tolist()
    columns = {name: take(column, chosen) for name, column in table.columns.items()}
    return RowTable(columns, np.arange(len(chosen)))


_NOTHING: Final = {
    "users": "No user has interactions. POST /v1/interactions, or `hourglass import`, first.",
    "items": "No item has interactions. POST /v1/interactions, or `hourglass import`, first.",
    "images": "No item has an image. PUT /v1/items/ITEM_ID/image, or `hourglass import`, first.",
}


def _others(ids: Sequence[str] | None, found: set[str]) -> list[tuple[int, str]]:
    return [(num, each) for num, each in enumerate(ids or ()) if each not in found]


def _unknown(over: str, num: int, asked: str) -> RowProblem:
    what = "image of an item" if over == "images" else f"interaction of {over[:-1]}"
    return RowProblem(num, None, f"There is no {what} {asked!r}.")


def _sides(
    session: Session, over: str, ids: Sequence[str] | None
) -> tuple[list[str], dict[str, Array]]:
    """The ids with any interactions, and a row for each."""
    side = cast(Side, over)
    known = keys_of(session, side, ids)
    keys = None if ids is None else known
    own, other, moments, weights = array("q"), array("q"), array("q"), array("d")
    for rows in read_activity(session, side, keys):
        for column, num in ((own, 0), (other, 1), (weights, 2), (moments, 3)):
            column.extend(map(itemgetter(num), rows))
    reach = None if keys is None else count_others(session, side, keys)
    row_keys, columns = features(
        side,
        np.frombuffer(own, np.int64),
        np.frombuffer(other, np.int64),
        np.frombuffer(weights, np.float64),
        np.frombuffer(moments, np.int64),
        reach,
    )
    return [known[key] for key in row_keys.tolist()], columns


def features(
    side: Side,
    own: Array,
    other: Array,
    weights: Array,
    moments: Array,
    reach: dict[int, int] | None,
) -> tuple[Array, dict[str, Array]]:
    """The keys of a side, (n,), and a column (n,) each of what their interactions are like.

    own, other, weights, moments: (n_interactions,). reach: with how many each of the other side is;
    None: as these interactions have it, as they are all there are. Logarithms are those of 1 + x.
    What only times tell is missing where there are none.
    """
    keys, nums = np.unique(own, return_inverse=True)
    n = len(keys)
    pairs = np.unique(np.stack([nums, other]), axis=1)
    n_others = np.bincount(pairs[0], minlength=n)
    reached = _reached(pairs[1], reach)
    n_all = np.bincount(nums, minlength=n)
    mean_weight = np.bincount(nums, weights, n) / n_all
    spread = np.bincount(nums, np.square(weights - mean_weight[nums]), n) / n_all
    names = NAMES[side]
    span, busiest = _in_time(nums, moments, n)
    columns = {
        names["others"]: np.log1p(n_others),
        "repeats": n_all / n_others,
        names["reach"]: np.bincount(pairs[0], np.log1p(reached), n) / n_others,
        names["few"]: np.bincount(pairs[0], reached <= FEW, n) / n_others,
        "mean_weight": mean_weight,
        "weight_deviation": np.sqrt(spread),
        "log_days": span,
        "share_busiest_day": busiest,
    }
    return keys, columns


def _reached(others: Array, reach: dict[int, int] | None) -> Array:
    """With how many each of these keys (n_pairs,) is; a pair stands there once."""
    if reach is not None:
        return np.array([reach[key] for key in others.tolist()], dtype=np.float64)
    _, places, counts = np.unique(others, return_inverse=True, return_counts=True)
    return cast(Array, counts[places].astype(np.float64))


def _in_time(nums: Array, moments: Array, n: int) -> tuple[Array, Array]:
    """The logarithm of the days from the first to the last interaction, and the share of those on
    the day with most, (n,) each; NaN where no interaction has a time.
    """
    nums, moments = nums[moments != 0], moments[moments != 0]
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, nums, moments)
    np.maximum.at(last, nums, moments)
    days, counts = np.unique(np.stack([nums, moments // DAY]), axis=1, return_counts=True)
    most = np.zeros(n)
    np.maximum.at(most, days[0], counts)
    n_timed = np.bincount(nums, minlength=n).astype(np.float64)
    n_timed[n_timed == 0] = np.nan
    span = np.where(np.isnan(n_timed), np.nan, np.where(last < first, 0.0, last - first))
    return np.log1p(span / DAY), most / n_timed
