"""What a network is fed, a number a user: compared with training to tell drift. Not how.

The examples are users, as they are independent of each other; single interactions are not.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.progress import untold
from models.scoring.drift import Floats, reference_of
from pipelines.data.interactions import InteractionMatrix
from pipelines.predictor.predictor import Predictor
from pipelines.registry.artifact import Artifact
from pipelines.registry.training_inputs import TrainingInputs
from pipelines.training.train import Trained
from pipelines.watch.rows import known_rows

MAX_SCORED: Final = 300
"""Users whose scores are compared: each takes as many passes as there are items in its history."""


def inputs_of_training(matrix: InteractionMatrix, trained: Trained) -> TrainingInputs:
    """Of the interactions of a training, all users: those trained on, and those held out."""
    predictor = Predictor(
        Artifact(
            "",
            trained.run,
            trained.network,
            trained.vocabulary,
            trained.split.weighting,
            trained.calibration,
        )
    )
    numbers = _numbers(matrix, predictor)
    shares = np.bincount(matrix.x.indices, minlength=matrix.x.shape[1]) / matrix.x.shape[0]
    popularity = np.zeros(len(predictor.vocabulary))
    popularity[numbers[numbers >= 0]] = shares[numbers >= 0]
    inputs = inputs_of(matrix, predictor, popularity, seed=trained.run.seed)
    return TrainingInputs(popularity, {k: reference_of(values) for k, values in inputs.items()})


def inputs_of(
    matrix: InteractionMatrix,
    predictor: Predictor,
    popularity: NDArray[np.float64],
    *,
    seed: int,
) -> dict[str, Floats]:
    """The inputs by name, (n_users,) each; scores of at most MAX_SCORED users drawn by the seed.

    item-popularity: the mean logarithm of the popularity of a user's items, in training; NaN where
    the network knows none of them. unknown-items: the share of a user's items that it does not
    know.
    """
    x = matrix.x
    lengths = np.diff(x.indptr)
    users = np.repeat(np.arange(x.shape[0]), lengths)
    numbers = _numbers(matrix, predictor)
    items = numbers[x.indices]
    is_known = items >= 0
    logs = np.log(np.maximum(popularity, 1e-9))
    some = np.maximum(lengths, 1)
    n_known = np.bincount(users, weights=is_known, minlength=len(lengths))
    told = np.bincount(users, weights=np.where(is_known, logs[items], 0.0), minlength=len(lengths))
    with np.errstate(invalid="ignore", divide="ignore"):
        popular = np.where(n_known > 0, told / n_known, np.nan)
    return {
        "history-length": lengths.astype(np.float64),
        "item-popularity": popular,
        "unknown-items": 1 - n_known / some,
        "weight": np.bincount(users, weights=x.data, minlength=len(lengths)) / some,
        "anomaly-score": _scores(matrix, predictor, seed),
    }


def _numbers(matrix: InteractionMatrix, predictor: Predictor) -> NDArray[np.int64]:
    """The network's number of each of the matrix's items, (n_items,); -1: it does not know it."""
    found = (predictor.vocabulary.num(item_id) for item_id in matrix.vocabulary.item_ids)
    return np.array([-1 if num is None else num for num in found], dtype=np.int64)


def _scores(matrix: InteractionMatrix, predictor: Predictor, seed: int) -> Floats:
    """Anomaly scores of some users with a history that the network knows."""
    drawn = np.random.default_rng(seed).permutation(matrix.x.shape[0])[:MAX_SCORED]
    user_ids = tuple(matrix.user_ids[num] for num in drawn.tolist())
    known = known_rows(replace(matrix, x=matrix.x[drawn], user_ids=user_ids), predictor)
    scores: Floats = predictor.score_rows(known.x, on_chunk=untold).scores.numpy()
    return scores
