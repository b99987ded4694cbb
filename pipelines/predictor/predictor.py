"""The answering object: one artifact, loaded. It holds no session and changes nothing."""

from collections.abc import Collection

import torch
from torch import Tensor

from models.rows import SparseRows
from models.scoring.anomaly import RowScore, score_row
from models.scoring.ranking import top_n
from models.scoring.similarity import cosine_to_all
from pipelines.data.interactions import DataConfig, row_of
from pipelines.data.vocabulary import Vocabulary
from pipelines.errors import NoEmbedding, NotReady
from pipelines.registry.artifact import Artifact

Ranked = list[tuple[str, float]]
"""Item ids with their scores, best first."""


class Predictor:
    """What one artifact says of histories, given as column numbers of its vocabulary."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact_id = artifact.artifact_id
        self.kind: str = artifact.config.kind
        self.data: DataConfig = artifact.config.data
        self.vocabulary: Vocabulary = artifact.vocabulary
        self.calibration: Tensor = artifact.calibration
        self._network = artifact.network

    def rank(self, item_nums: list[int], *, excluded: Collection[int], n: int) -> Ranked:
        """The n items with the highest logits for a history, none of the excluded."""
        with torch.inference_mode():
            scores = self._network.logits(self._row(item_nums))[0]
            return self._best(scores, excluded, n)

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

    def reconstruct(self, item_nums: list[int]) -> Tensor:
        """What a history should look like, (n_items,)."""
        with torch.inference_mode():
            return self._network.reconstruct(self._row(item_nums))[0]

    def embed(self, item_nums: list[int], *, space: str) -> list[float]:
        """Where a history lies, in the `code` or the `decoder` space."""
        with torch.inference_mode():
            vectors = self._network.user_embeddings(self._row(item_nums), space)
        if vectors is None:
            raise self._no_embedding(space)
        values: list[float] = vectors[0].tolist()
        return values

    def score(self, item_nums: list[int]) -> RowScore:
        """How strange a history is, and what each item adds."""
        return score_row(self._network, self._row(item_nums))

    def _no_embedding(self, space: str) -> NoEmbedding:
        return NoEmbedding(
            f"The active artifact is of kind {self.kind!r}, which has no {space} embedding. "
            "Train a kind that has one, such as `denoising`."
        )

    def _row(self, item_nums: list[int]) -> SparseRows:
        return row_of(item_nums, len(self.vocabulary))

    def _best(self, scores: Tensor, excluded: Collection[int], n: int) -> Ranked:
        scores[list(excluded)] = -torch.inf
        values, nums = top_n(scores[None], n)
        pairs = zip(nums[0].tolist(), values[0].tolist(), strict=True)
        return [(self.vocabulary.item_ids[i], score) for i, score in pairs if score > -torch.inf]


def required(predictor: Predictor | None) -> Predictor:
    """The predictor, or NotReady with the remedy."""
    if predictor is None:
        raise NotReady(
            "No artifact is active yet. Import or post interactions, then run "
            "`hourglass train denoising`."
        )
    return predictor
