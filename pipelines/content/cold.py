"""Items that a network does not know but their content tells of: which there are, kept up to date.

What they score is `models/content.py`; that they stand in a list beside the others, `predictor.py`.
"""

import time
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice

import numpy as np
from scipy import sparse
from sqlalchemy.orm import Session

from models.content import Array, Csr
from pipelines.content.items import read_contents
from pipelines.content.tower import ContentTower
from pipelines.data.vocabulary import Vocabulary
from pipelines.storage.images import not_embedded
from pipelines.storage.items import changed_items, changes
from pipelines.storage.tables import EPOCH

MAX_COLD = 10_000
"""Items scored by content: of more than these the newest."""
OVERLAP = timedelta(seconds=10)
"""How long a transaction may take that is not to be missed before the next look at everything."""
LOOK_AT_ALL = 600.0
"""Seconds between two looks at all items, for those that a long transaction brought."""


@dataclass(frozen=True)
class ColdItems:
    """Items (n,), the newest first, and their features (n, n_features)."""

    item_ids: tuple[str, ...]
    features: Csr

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each item."""
        return {item_id: place for place, item_id in enumerate(self.item_ids)}

    def of(self, places: Array) -> "ColdItems":
        """Those at these places."""
        return ColdItems(tuple(self.item_ids[place] for place in places), self.features[places])


NO_COLD = ColdItems((), sparse.csr_array((0, 0), dtype=np.float32))


class ColdCatalogue:
    """The cold items of one artifact. A look costs one indexed query where nothing has changed."""

    def __init__(self, tower: ContentTower, vocabulary: Vocabulary) -> None:
        self._feature_map = tower.feature_map
        self._vocabulary = vocabulary
        self._unseen = frozenset(tower.unseen_nums.tolist())
        self._none = ColdItems((), tower.tower.features[:0])
        self._items = self._none
        self._waiting: set[str] = set()
        """Whose images have no embedding yet by the artifact whose embeddings the tower reads."""
        self._look_at_all_at = float("-inf")
        self._since = EPOCH
        self._seen: tuple[datetime | None, int] = (None, 0)

    def refresh(self, session: Session) -> ColdItems:
        """The cold items as they are now; the very same object while nothing has changed."""
        if time.monotonic() >= self._look_at_all_at:
            self._look_at_all_at = time.monotonic() + LOOK_AT_ALL
            self._items, self._since, self._seen = self._none, EPOCH, (None, 0)
            self._waiting = set()
        seen = changes(session, since=self._since)
        if seen != self._seen:
            with closing(changed_items(session, since=self._since)) as changed:
                unknown = list(islice(filter(self._is_unknown, changed), MAX_COLD))
            self._take(session, unknown)
            self._since = max(EPOCH, (seen[0] or EPOCH) - OVERLAP)
            self._seen = changes(session, since=self._since)
        embedded = self._waiting - self._not_embedded(session, self._waiting)
        if embedded:
            self._take(session, sorted(embedded))
        return self._items

    def _not_embedded(self, session: Session, item_ids: Collection[str]) -> set[str]:
        artifact_id = self._feature_map.image_artifact_id
        if artifact_id is None or not item_ids:
            return set()
        return not_embedded(session, artifact_id=artifact_id, item_ids=item_ids)

    def _is_unknown(self, item_id: str) -> bool:
        num = self._vocabulary.num(item_id)
        return num is None or num in self._unseen

    def _take(self, session: Session, item_ids: list[str]) -> None:
        """Put these in front, as they are now; of the others as many as there is room for."""
        self._waiting.difference_update(item_ids)
        self._waiting |= self._not_embedded(session, item_ids)
        read = read_contents(
            session,
            image_artifact_id=self._feature_map.image_artifact_id,
            item_ids=item_ids,
        )
        contents = {item.item_id: item for item in read}
        newest = [contents[item_id] for item_id in item_ids if item_id in contents]
        features = self._feature_map.rows(newest)
        telling = np.flatnonzero(np.diff(features.indptr))
        taken = ColdItems(tuple(item.item_id for item in newest), features).of(telling)
        again = set(item_ids)
        others = [num for num, item_id in enumerate(self._items.item_ids) if item_id not in again]
        kept = self._items.of(np.array(others[: MAX_COLD - len(telling)], dtype=np.int64))
        self._items = ColdItems(
            taken.item_ids + kept.item_ids,
            sparse.csr_array(sparse.vstack([taken.features, kept.features], format="csr")),
        )
