"""Small worlds of users with known tastes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from scipy import sparse
from sqlalchemy import Engine

from models.attacks import AttackConfig, attacked
from pipelines.data.interactions import Csr, InteractionMatrix, matrix_of
from pipelines.storage.engine import writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.items import NewItem, put_items
from pipelines.storage.tables import UNTIMED

N_ITEMS = 40
PER_USER = 8
TASTES = ("even", "odd")
N_FAKE = 30


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


def ratings_world(seed: int = 0, n_users: int = 300, n_items: int = 400) -> Csr:
    """Ratings 1 to 5 by tastes: some items are for everybody, most are for one taste in four."""
    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, n_items + 1) ** 0.8
    worth = rng.normal(3.6, 0.5, n_items)
    x = np.zeros((n_users, n_items))
    for user_num in range(n_users):
        liked = np.where(np.arange(n_items) % 4 == user_num % 4, 6.0, 1.0)
        p = popularity * liked / (popularity * liked).sum()
        n = int(np.clip(rng.lognormal(3.3, 0.6), 8, n_items // 3))
        chosen = rng.choice(n_items, size=n, replace=False, p=p)
        drawn = rng.normal(worth[chosen] + 0.3 * (liked[chosen] > 1), 0.9)
        x[user_num, chosen] = np.clip(np.round(drawn), 1, 5)
    return sparse.csr_array(x)


@dataclass(frozen=True)
class Fakes:
    """The fake profiles in a database, and the item that they push."""

    user_ids: set[str]
    target: str


def store_fakes(engine: Engine) -> Fakes:
    """Put 300 users who rate by their taste into a database, and N_FAKE fake ones."""
    config = AttackConfig("love-hate", size=N_FAKE / 300, filler=0.1)
    made = attacked(ratings_world(), config, np.random.default_rng(0))
    coo = made.x.tocoo()
    rows = [
        NewInteraction(f"u{user_num}", f"i{item_num}", "rating", float(weight), UNTIMED)
        for user_num, item_num, weight in zip(*coo.coords, coo.data, strict=True)
    ]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=datetime.now(UTC))
    return Fakes({f"u{num}" for num in np.flatnonzero(made.is_attacker)}, f"i{made.target}")
