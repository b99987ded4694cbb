"""Interactions, and recommendations for every user, as files. Not their formats: `row_files.py`.

Each export sees the database as it was at its beginning, and holds one batch in memory.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.predictor.active import single_predictor
from pipelines.predictor.popularity import Popularity
from pipelines.predictor.predictor import Predictor, Ranked
from pipelines.registry.artifact import read_artifact
from pipelines.registry.export_target import Manifest, OnRows, Target, target_of, write_export
from pipelines.registry.row_files import WRITERS
from pipelines.registry.store import Store
from pipelines.registry.user_histories import UserHistory, history_batches
from pipelines.storage.artifacts import active_artifact
from pipelines.storage.engine import reading
from pipelines.storage.interactions import iterate_interactions
from pipelines.storage.items import visible_items
from pipelines.storage.tables import UNTIMED

BATCH_SCORES = 4_000_000
"""Scores that are in memory at a time: users of a batch times items."""
MAX_BATCH_USERS = 1_000

INTERACTIONS = pa.schema(
    [
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("action", pa.string()),
        ("weight", pa.float64()),
        ("occurred_at", pa.timestamp("us", "UTC")),
    ]
)
RECOMMENDATIONS = pa.schema(
    [
        ("user_id", pa.string()),
        ("rank", pa.int32()),
        ("item_id", pa.string()),
        ("score", pa.float64()),
        ("strategy", pa.string()),
        ("artifact_id", pa.string()),
    ]
)

Row = tuple[Any, ...]


def export_interactions(engine: Engine, to: Path, *, on_rows: OnRows) -> Manifest:
    """Write every interaction, as `hourglass import` reads it. Raises InvalidInput."""
    target = target_of(to, name="interactions", endings=tuple(WRITERS))
    with reading(engine) as session:
        chunks = (
            [(*row[:4], None if row.occurred_at == UNTIMED else row.occurred_at) for row in rows]
            for rows in iterate_interactions(session)
        )
        return _write(target, INTERACTIONS, chunks, on_rows, artifact_id=None)


def export_recommendations(
    engine: Engine, store: Store, to: Path, *, n: int, on_rows: OnRows
) -> Manifest:
    """Write the n best items of every user, a row each, rank 1 first: what the API answers.

    Without an artifact, and for users of whose history it knows nothing, these are popular items.
    """
    target = target_of(to, name="recommendations", endings=(".jsonl", ".parquet"))
    with reading(engine) as session:
        active = active_artifact(session)
        predictor = (
            single_predictor(session, read_artifact(store, active.artifact_id)) if active else None
        )
        artifact_id = None if predictor is None else predictor.artifact_id
        chunks = _Recommending(session, predictor, n).chunks()
        return _write(target, RECOMMENDATIONS, chunks, on_rows, artifact_id=artifact_id)


def _write(
    target: Target,
    schema: pa.Schema,
    chunks: Iterable[list[Row]],
    on_rows: OnRows,
    *,
    artifact_id: str | None,
) -> Manifest:
    n_rows = 0

    def counted() -> Iterator[list[Row]]:
        nonlocal n_rows
        for rows in chunks:
            yield rows
            n_rows += len(rows)
            on_rows(n_rows)

    def write(file: BinaryIO) -> int:
        WRITERS[target.path.suffix](file, schema, counted())
        return n_rows

    return write_export(target, write, artifact_id=artifact_id)


class _Recommending:
    """Recommendations for batches of users, in the order of their ids."""

    def __init__(self, session: Session, predictor: Predictor | None, n: int) -> None:
        self._session = session
        self._predictor = predictor
        self._n = n
        self._popular = Popularity().ranking(session)
        self._hidden = [] if predictor is None else _hidden(session, predictor)

    def chunks(self) -> Iterator[list[Row]]:
        n_items = self._predictor.n_ranked if self._predictor else 1
        size = max(1, min(MAX_BATCH_USERS, BATCH_SCORES // max(n_items, 1)))
        for users in history_batches(self._session, self._predictor, size=size):
            yield self._rows(users)

    def _rows(self, users: list[UserHistory]) -> list[Row]:
        ranked = {} if self._predictor is None else self._by_network(self._predictor, users)
        rows: list[Row] = []
        for user in users:
            best = ranked.get(user.user_id)
            how = ("popularity", None) if best is None else ("model", self._artifact_id)
            best = self._by_popularity(user.seen) if best is None else best
            rows += [
                (user.user_id, rank, item_id, score, *how)
                for rank, (item_id, score) in enumerate(best, start=1)
            ]
        return rows

    def _by_network(self, predictor: Predictor, users: list[UserHistory]) -> dict[str, Ranked]:
        """The ranking of each user of whose history the network knows something."""
        known = [user for user in users if user.history.item_nums]
        ranked = predictor.rank_batch(
            [user.history.item_nums for user in known],
            excluded=[list({*predictor.nums(user.seen), *self._hidden}) for user in known],
            n=self._n,
            weights=[weight for user in known for weight in user.history.weights or ()],
        )
        return {user.user_id: best for user, best in zip(known, ranked, strict=True)}

    def _by_popularity(self, seen: frozenset[str]) -> Ranked:
        unseen = (pair for pair in self._popular if pair[0] not in seen)
        return [pair for pair, _ in zip(unseen, range(self._n), strict=False)]

    @property
    def _artifact_id(self) -> str | None:
        return None if self._predictor is None else self._predictor.artifact_id


def _hidden(session: Session, predictor: Predictor) -> list[int]:
    """Numbers of items that are hidden, or no longer there."""
    item_ids = (*predictor.vocabulary.item_ids, *predictor.cold.item_ids)
    visible = visible_items(session, item_ids=item_ids)
    return predictor.nums(item_id for item_id in item_ids if item_id not in visible)
