"""What a ranking is like apart from being right, and who is served worse. Not its quality."""

from typing import Any

import numpy as np

from pipelines.data.interactions import Csr
from pipelines.data.splits import HeldOut
from pipelines.training.evaluate import Evaluation, Scorer, ranked
from pipelines.training.metrics.groups import by_activity, by_popularity
from pipelines.training.metrics.lists import coverage, diversity, gini, novelty

SHOWN = 20
LISTS = {"coverage": coverage, "gini": gini, "novelty": novelty, "diversity": diversity}
MAX_USERS = 2_000
"""Users whose lists are looked at."""


def beyond(scorer: Scorer, users: HeldOut, evaluation: Evaluation, train: Csr) -> dict[str, Any]:
    """Figures of the lists of 20, the headline by activity, and what is found by popularity."""
    lists = ranked(scorer, users.fold_in[:MAX_USERS], SHOWN)
    held_out = users.held_out[:MAX_USERS]
    n_items = train.shape[1]
    shown = np.zeros(held_out.shape, dtype=bool)
    np.put_along_axis(shown, lists, True, axis=1)
    rows = np.repeat(np.arange(held_out.shape[0]), np.diff(held_out.indptr))
    found = np.bincount(held_out.indices[shown[rows, held_out.indices]], minlength=n_items)
    wanted = np.bincount(held_out.indices, minlength=n_items)
    counts = np.bincount(train.indices, minlength=n_items)
    judged = evaluation.per_user[evaluation.headline]
    figures = {
        **{name: metric(lists, train) for name, metric in LISTS.items()},
        "by_activity": by_activity(judged, np.diff(users.fold_in.indptr)),
        "by_popularity": by_popularity(found, wanted, counts),
    }
    return {name: _plain(value) for name, value in figures.items()}


def _plain(value: Any) -> Any:
    """None in place of what is not a number, as JSON has no word for that."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if np.isfinite(value) else None
