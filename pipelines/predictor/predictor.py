"""The answering object: one artifact, loaded. It holds no session and changes nothing."""

import copy
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from models.autoencoders.losses import LOSSES
from models.catalog import EMBEDDING_KINDS
from models.progress import OnChunk
from models.rows import SparseRows, to_rows
from models.scoring.anomaly import (
    RowScore,
    RowScores,
    quick_surprise,
    score_row,
    score_rows,
)
from models.scoring.calibrated import Calibration
from models.scoring.ranking import mask, top_n
from models.scoring.similarity import cosine_to_all
from pipelines.content.cold import NO_COLD, ColdItems
from pipelines.content.tower import ContentTower
from pipelines.data.interactions import DataConfig, rows_of
from pipelines.data.vocabulary import Vocabulary
from pipelines.data.weighting import Weighting
from pipelines.errors import NoEmbedding, NotReady
from pipelines.registry.artifact import Artifact

Ranked = list[tuple[str, float]]
"""Item ids with their scores, best first."""
Which = Literal["all", "warm", "cold"]
"""Items that a list may hold: all, those that the network knows, those scored by content alone."""


class Predictor:
    """What one artifact says of histories, given as column numbers of its vocabulary.

    The numbers of cold items go on after those of the vocabulary.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact_id = artifact.artifact_id
        self.kind: str = artifact.config.kind
        self.data: DataConfig = artifact.config.data
        self.vocabulary: Vocabulary = artifact.vocabulary
        self.weighting: Weighting = artifact.weighting
        self.calibration: Calibration = artifact.calibration
        self.tower: ContentTower | None = artifact.tower
        self.cold: ColdItems = NO_COLD
        self._replaced: list[int] = []
        self._network = artifact.network

    def with_cold(self, cold: ColdItems) -> "Predictor":
        """The same, with these items scored by content."""
        other = copy.copy(self)
        other.cold = cold
        # Columns that nobody in training had say no more of an item than that it was new.
        other._replaced = self.vocabulary.split(cold.item_ids)[0]
        return other

    @property
    def n_ranked(self) -> int:
        """How many items a ranking is of."""
        return len(self.vocabulary) + len(self.cold.item_ids)

    def nums(self, item_ids: Iterable[str]) -> list[int]:
        """Numbers of those of the items that can be in a ranking."""
        known, unknown = self.vocabulary.split(item_ids)
        both = [*unknown, *(self.vocabulary.item_ids[num] for num in known)]
        cold = (self.cold.places.get(item_id) for item_id in both)
        first = len(self.vocabulary)
        return [*known, *(first + place for place in cold if place is not None)]

    def rank(
        self,
        item_nums: list[int],
        *,
        excluded: Collection[int],
        n: int,
        weights: Sequence[float] | None = None,
        items: Which = "all",
    ) -> Ranked:
        """The n items with the highest logits for a history, none of the excluded.

        weights: of each item, as stored; None: it is liked, no more is known. So everywhere here.
        """
        with torch.inference_mode():
            scores = self._scores(self.row(item_nums, weights), items)[0]
            return self._best(scores, excluded, n)

    def rank_batch(
        self,
        histories: Sequence[list[int]],
        *,
        excluded: Sequence[list[int]],
        n: int,
        weights: Sequence[float] | None = None,
    ) -> list[Ranked]:
        """For each history what `rank` gives for it; memory: scores of
        (len(histories), n_items) and of the cold items.

        weights: those of the histories, one after another.
        """
        with torch.inference_mode():
            scores = self._scores(self._rows(histories, weights))
            values, item_nums = top_n(mask(scores, rows_of(excluded, scores.shape[1])), n)
        return [self._named(*row) for row in zip(item_nums.tolist(), values.tolist(), strict=True)]

    def similar(self, item_num: int, *, n: int) -> Ranked:
        """The n items whose embeddings point most nearly the same way, by cosine."""
        scores = cosine_to_all(self.item_embeddings(), item_num)
        return self._best(scores, [item_num], n)

    def item_embeddings(self) -> Tensor:
        """The decoder space's row of each item, (n_items, embedding_dim). Raises NoEmbedding."""
        embeddings = self._network.item_embeddings()
        if embeddings is None:
            raise self._no_embedding("decoder")
        return embeddings

    def reconstruct(
        self, item_nums: list[int], weights: Sequence[float] | None = None
    ) -> tuple[Tensor, Tensor]:
        """What a history is to the network, and what it should look like, both (n_items,).

        Where entries that are not there say nothing, they are what is expected.
        """
        row = self.row(item_nums, weights)
        with torch.inference_mode():
            expected = self._network.reconstruct(row)[0]
        observed = row.to_dense()[0]
        if LOSSES[self._network.loss_name].of_observed:
            observed = torch.where(observed == 0, expected, observed)
        return observed, expected

    def embed(
        self, item_nums: list[int], *, space: str, weights: Sequence[float] | None = None
    ) -> list[float]:
        """Where a history lies, in the `code` or the `decoder` space."""
        with torch.inference_mode():
            vectors = self._network.user_embeddings(self.row(item_nums, weights), space)
        if vectors is None:
            raise self._no_embedding(space)
        values: list[float] = vectors[0].tolist()
        return values

    def score(self, item_nums: list[int], weights: Sequence[float] | None = None) -> RowScore:
        """How strange a history is, and what each item adds."""
        return score_row(self._network, self.row(item_nums, weights), self.calibration.scale)

    def score_rows(self, rows: SparseRows, *, on_chunk: OnChunk) -> RowScores:
        """The same of many histories, as `rows` gives them, to rounding."""
        return score_rows(self._network, rows, self.calibration.scale, on_chunk=on_chunk)

    def quick_surprise(self, rows: SparseRows) -> Tensor:
        """A quick, rough look at how surprising the items of rows are on average, (batch,)."""
        return quick_surprise(self._network, rows, self.calibration.scale)

    def _no_embedding(self, space: str) -> NoEmbedding:
        return NoEmbedding(
            f"The active artifact is of kind {self.kind!r} and has no {space} embedding. "
            f"Train a kind that has one: {', '.join(EMBEDDING_KINDS)}, or the run `elsa`."
        )

    def row(self, item_nums: list[int], weights: Sequence[float] | None = None) -> SparseRows:
        """The history as the network reads it, a batch of one."""
        return self._rows([item_nums], weights)

    def _rows(
        self, histories: Sequence[list[int]], weights: Sequence[float] | None = None
    ) -> SparseRows:
        """The histories as the network reads them; `weights` are theirs one after another."""
        rows = rows_of(histories, len(self.vocabulary))
        if self.weighting.values == "binary":
            return rows
        liked = np.full(len(rows.values), self.weighting.liked, dtype=np.float32)
        held = liked if weights is None else np.array(weights, dtype=np.float32)
        arrays = (held, rows.indices.numpy(), rows.offsets.numpy())
        x = sparse.csr_array(arrays, shape=(len(rows), rows.n_items))
        return to_rows(self.weighting.weigh(x))

    def _scores(self, rows: SparseRows, items: Which = "all") -> Tensor:
        """Logits of the network's items, then of the cold ones, (batch, n_items + n_cold)."""
        scores = self._network.logits(rows)
        if items == "warm" or not (self.cold.item_ids or items == "cold"):
            return scores
        cold = self._cold_scores(scores)
        scores[:, slice(None) if items == "cold" else self._replaced] = -torch.inf
        return torch.cat([scores, cold], dim=1)

    def _cold_scores(self, scores: Tensor) -> Tensor:
        if self.tower is None or not self.cold.item_ids:
            return scores[:, :0]
        known = scores[:, self.tower.item_nums].float().numpy()
        return torch.from_numpy(self.tower.tower.logits(known, self.cold.features)).to(scores)

    def _best(self, scores: Tensor, excluded: Collection[int], n: int) -> Ranked:
        scores[list(excluded)] = -torch.inf
        values, nums = top_n(scores[None], n)
        return self._named(nums[0].tolist(), values[0].tolist())

    def _named(self, item_nums: list[int], scores: list[float]) -> Ranked:
        """The items by their ids, without those that were excluded."""
        pairs = zip(item_nums, scores, strict=True)
        return [(self._item_id(i), score) for i, score in pairs if score > -torch.inf]

    def _item_id(self, num: int) -> str:
        n_known = len(self.vocabulary)
        return self.vocabulary.item_ids[num] if num < n_known else self.cold.item_ids[num - n_known]


def required(predictor: Predictor | None) -> Predictor:
    """The predictor, or NotReady with the remedy."""
    if predictor is None:
        raise NotReady(
            "No artifact is active yet. Import or post interactions, then run "
            "`hourglass train denoising`."
        )
    return predictor
