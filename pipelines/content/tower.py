"""Fitting the content tower of a fitted network: on items that it knows, judged on some of them.

A fifth of the items is taken for cold: their columns are hidden from the rows of users who judge,
and what chooses is how well the tower orders just these items. Nothing of an item that is really
cold is looked at. The network has seen those columns in training; the tower has not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse

from models.autoencoders.base import Network
from models.content import Array, Csr, Tower, Towers, level_for
from pipelines.content.features import (
    Block,
    FeatureMap,
    ItemContent,
    learn_blocks,
    side_by_side,
)
from pipelines.data.interactions import batches
from pipelines.data.splits import Split
from pipelines.data.vocabulary import Vocabulary
from pipelines.training.metrics.ndcg import ndcg_at_k

MIN_ITEMS = 10
"""With fewer items of known content there is no tower."""
RIDGES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
"""Candidates for lambda, where the weights add up to 1 and features have length 1."""
USUAL_RIDGE = 1e-3
"""Where nobody can judge."""
SCALES = (0.5, 2.0)
"""Factors that are tried on the scale of each block, one block after the other."""
COLD_SHARE = 0.2
MAX_JUDGES = 300
MAX_SCORES = 20_000_000
"""Logits of judges that are in memory at once."""
DEPTH = 20
"""NDCG of so many of the hidden items chooses."""
PLACES = 100
"""The level gives hidden items their share of so many places of a list."""


@dataclass(frozen=True)
class ContentTower:
    """A tower, how content becomes its features, and the columns it was fitted on."""

    feature_map: FeatureMap
    tower: Tower
    item_nums: Array
    """Columns of the items whose logits it reads, (n_known,)."""
    unseen_nums: Array
    """Columns that no training user has: the network knows no more of these than their ids."""
    facts: Mapping[str, Any]
    """What the manifest says of it."""


def fit_content_tower(
    network: Network,
    split: Split,
    contents: Sequence[ItemContent],
    *,
    image_artifact_id: str | None,
    seed: int,
) -> ContentTower | None:
    """The tower chosen by items taken for cold; None where too little is known of too few items."""
    counts = np.bincount(split.train.indices, minlength=len(split.vocabulary))
    by_num = known_items(split.vocabulary, counts, contents)
    nums = sorted(by_num)
    known = [by_num[num] for num in nums]
    blocks = learn_blocks(known, image_artifact_id=image_artifact_id)
    if len(nums) < MIN_ITEMS or not blocks:
        return None
    item_nums, weights = np.array(nums), np.sqrt(counts[nums])
    search = _Search(network, split, item_nums, weights, blocks, known, seed)
    feature_map, ridge, level = search.best()
    tower = Towers(feature_map.rows(known), weights).fit(ridge, level=level)
    image_artifact_id = feature_map.image_artifact_id
    by_images = {} if image_artifact_id is None else {"image_artifact_id": image_artifact_id}
    facts = {"n_items": len(nums), "n_features": tower.features.shape[1], **by_images}
    return ContentTower(
        feature_map,
        tower,
        item_nums,
        np.flatnonzero(counts == 0),
        {**facts, **search.facts()},
    )


def known_items(
    vocabulary: Vocabulary, counts: Array, contents: Iterable[ItemContent]
) -> dict[int, ItemContent]:
    """By column, the content of the items that somebody has; counts (n_items,): how many have."""
    by_num = {vocabulary.num(content.item_id): content for content in contents}
    return {num: each for num, each in by_num.items() if num is not None and counts[num]}


class _Search:
    """Which ridge, scales and level do best for items taken for cold."""

    def __init__(
        self,
        network: Network,
        split: Split,
        item_nums: Array,
        weights: Array,
        blocks: Mapping[str, Block],
        contents: Sequence[ItemContent],
        seed: int,
    ) -> None:
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(item_nums))
        n_cold = max(1, round(COLD_SHARE * len(item_nums)))
        self._cold, self._known = np.sort(order[:n_cold]), np.sort(order[n_cold:])
        self._parts = {name: block.rows(contents) for name, block in blocks.items()}
        self._blocks = blocks
        self._weights = weights
        rows = _judges(split, rng)
        wanted = rows[:, item_nums[self._cold]]
        judging = np.diff(wanted.indptr) > 0
        rows, self._wanted = rows[judging], wanted[judging]
        shown = _without(rows, item_nums[self._cold])
        logits = _logits(network, shown)
        self._seen = shown[:, item_nums[self._known]]
        self._logits = logits[:, item_nums[self._known]]
        self._total = rows.nnz
        self._ndcg: float | None = None
        self._chosen: dict[str, Any] = {}

    def best(self) -> tuple[FeatureMap, float, float]:
        """The best scales and ridge, and the level for them."""
        scales = dict.fromkeys(self._parts, 1.0)
        ridge = USUAL_RIDGE
        if len(self._logits):
            towers = self._towers(scales)
            worths = {each: self._worth(towers.fit(each), scales) for each in RIDGES}
            ridge = max(RIDGES, key=worths.__getitem__)
            self._ndcg = worths[ridge]
            if len(scales) > 1:
                scales, self._ndcg = self._better_scales(scales, ridge, worths[ridge])
        level = self._level(self._towers(scales).fit(ridge), scales)
        self._chosen = {"ridge": ridge, "scales": scales, "level": level}
        return FeatureMap(self._blocks, scales), ridge, level

    def facts(self) -> dict[str, Any]:
        """What was chosen, and how well the judges were served."""
        judged = {"users": len(self._logits), "items": len(self._cold), "ndcg@20": self._ndcg}
        return {**self._chosen, "validation": judged}

    def _better_scales(
        self, scales: Mapping[str, float], ridge: float, ndcg: float
    ) -> tuple[dict[str, float], float]:
        best = dict(scales)
        for name in scales:
            for factor in SCALES:
                tried = {**best, name: scales[name] * factor}
                worth = self._worth(self._towers(tried).fit(ridge), tried)
                if worth > ndcg:
                    best, ndcg = tried, worth
        return best, ndcg

    def _towers(self, scales: Mapping[str, float]) -> Towers:
        return Towers(self._features(scales)[self._known], self._weights[self._known])

    def _features(self, scales: Mapping[str, float]) -> Csr:
        return side_by_side(self._parts, scales)

    def _worth(self, tower: Tower, scales: Mapping[str, float]) -> float:
        """Mean NDCG of the hidden items, ranked among themselves."""
        logits = tower.logits(self._logits, self._features(scales)[self._cold])
        ranked = np.argsort(-logits, axis=1, kind="stable")[:, :DEPTH]
        hits = np.take_along_axis(self._wanted.toarray() > 0, ranked, axis=1)
        return float(np.mean(ndcg_at_k(hits, np.diff(self._wanted.indptr), DEPTH)))

    def _level(self, tower: Tower, scales: Mapping[str, float]) -> float:
        """So that hidden items get as large a share of the places as of the interactions."""
        if not len(self._logits):
            return 0.0
        cold = tower.logits(self._logits, self._features(scales)[self._cold])
        unseen = np.where(self._seen.toarray() != 0, -np.inf, self._logits)
        return level_for(
            unseen,
            cold,
            deviations=tower.deviations(self._logits),
            share=self._wanted.nnz / self._total,
            places=PLACES,
        )


def _judges(split: Split, rng: np.random.Generator) -> Csr:
    """Whole rows of some training and validation users, as many of each as there are: in answers
    too most users were trained on, and for these a network is surer of what it knows.
    """
    users = split.validation
    rows = split.train
    if users is not None:
        rows = sparse.vstack([rows, users.fold_in + users.held_out], format="csr")
    most = max(1, min(MAX_JUDGES, MAX_SCORES // rows.shape[1]))
    return rows[np.sort(rng.permutation(rows.shape[0])[:most])]


def _without(rows: Csr, item_nums: Array) -> Csr:
    """The rows with these columns emptied."""
    left = rows.copy()
    left.data = np.where(np.isin(rows.indices, item_nums), 0, rows.data).astype(rows.dtype)
    left.eliminate_zeros()
    return left


def _logits(network: Network, rows: Csr) -> Array:
    with torch.inference_mode():
        parts = [network.logits(batch).float().numpy() for batch in batches(rows, 100)]
    return np.concatenate(parts) if parts else np.zeros(rows.shape, dtype=np.float32)
