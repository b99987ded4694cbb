"""Small worlds of users with known tastes."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Engine

from pipelines.data.interactions import InteractionMatrix, matrix_of
from pipelines.storage.engine import writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.items import NewItem, put_items
from pipelines.storage.tables import UNTIMED

N_ITEMS = 40
PER_USER = 8
TASTES = ("even", "odd")


def two_tastes(n_users: int, seed: int = 0) -> InteractionMatrix:
    """Even users have even items, odd users odd ones; which of them is chance."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(n_users), PER_USER)
    columns = [
        2 * rng.permutation(N_ITEMS // 2)[:PER_USER] + user_num % 2 for user_num in range(n_users)
    ]
    users = tuple(f"user-{num:04}" for num in range(n_users))
    items = tuple(f"item-{num:03}" for num in range(N_ITEMS))
    return matrix_of(users, rows, items, np.concatenate(columns))


def store_world(engine: Engine, matrix: InteractionMatrix) -> None:
    """Put every interaction of the matrix into a database."""
    coo = matrix.x.tocoo()
    rows = [
        NewInteraction(
            matrix.user_ids[user_num], matrix.vocabulary.item_ids[item_num], "like", 1.0, UNTIMED
        )
        for user_num, item_num in zip(coo.coords[0], coo.coords[1], strict=True)
    ]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=datetime.now(UTC))


def describe_tastes(engine: Engine, *, also: Sequence[str] = ()) -> None:
    """Say of every item, and of `also`, whether it is even or odd, in its category and a tag."""
    items = [
        NewItem(item_id, f"Song {item_id}", [taste], tags=[f"very {taste}"])
        for item_id in (*(f"item-{num:03}" for num in range(N_ITEMS)), *also)
        for taste in [TASTES[int(item_id[-3:]) % 2]]
    ]
    with writing(engine) as session:
        put_items(session, items=items, now=datetime.now(UTC))
