"""What a network is fed, a number a user: compared with training to tell drift. Not how.

The examples are users, as they are independent of each other; single interactions are not. A
network knows the items of those whom it was trained on, and finds them usual: they are told as if
they had not been there, or where that cannot be, not at all. Who is new is no drift by that alone.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.progress import untold
from models.scoring.drift import Floats, reference_of
from pipelines.data.interactions import InteractionMatrix
from pipelines.data.splits import MIN_ITEMS, held_out_nums
from pipelines.predictor.predictor import Predictor
from pipelines.registry.artifact import Artifact
from pipelines.registry.training_inputs import TrainingInputs, hashes_of
from pipelines.training.train import Trained
from pipelines.watch.rows import known_rows

MAX_SCORED: Final = 300
"""Users whose scores are compared: each takes as many passes as there are items in its history."""


def predictor_of(trained: Trained) -> Predictor:
    """What answers by a network that is no artifact yet."""
    split = trained.split
    artifact = Artifact(
        "", trained.run, trained.network, split.vocabulary, split.weighting, trained.calibration
    )
    return Predictor(artifact)


def inputs_of_training(matrix: InteractionMatrix, trained: Trained) -> TrainingInputs:
    """Of the interactions of a training, all users: those trained on, and those held out."""
    predictor = predictor_of(trained)
    trains = np.ones(len(matrix.user_ids), dtype=bool)
    trains[held_out_nums(matrix, trained.run.seed)] = False
    x = trained.split.train
    assert x.shape[0] == trains.sum()
    popularity = np.bincount(x.indices, minlength=x.shape[1]) / max(x.shape[0], 1)
    trained_on = np.sort(hashes_of(_of_users(matrix, trains).user_ids))
    training = TrainingInputs(popularity, {}, trained_on)
    inputs = inputs_of(matrix, predictor, training, seed=trained.run.seed)
    references = {name: reference_of(values) for name, values in inputs.items()}
    return replace(training, references=references)


def inputs_of(
    matrix: InteractionMatrix, predictor: Predictor, training: TrainingInputs, *, seed: int
) -> dict[str, Floats]:
    """The inputs by name, (n_users,) each but the last.

    item-popularity: the mean logarithm of the popularity of a user's items, in training; NaN where
    the network knows none of them. unknown-items: the share of a user's items that it does not
    know. anomaly-score: of at most MAX_SCORED users, drawn by the seed, who were not trained on and
    have MIN_ITEMS, as those who are held out.
    """
    x = matrix.x
    lengths = np.diff(x.indptr)
    users = np.repeat(np.arange(x.shape[0]), lengths)
    weight = np.bincount(users, weights=x.data, minlength=len(lengths)) / np.maximum(lengths, 1)
    was_there = np.isin(hashes_of(matrix.user_ids), training.trained_on)
    return {
        "history-length": lengths.astype(np.float64),
        **_of_items(matrix, predictor, training, was_there),
        "weight": weight,
        "anomaly-score": _scores(
            _of_users(matrix, (lengths >= MIN_ITEMS) & ~was_there), predictor, seed
        ),
    }


def _of_users(matrix: InteractionMatrix, chosen: NDArray[Any]) -> InteractionMatrix:
    """The rows of those who are chosen: (n_users,) bool, or their numbers."""
    nums = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
    user_ids = tuple(matrix.user_ids[num] for num in nums.tolist())
    return replace(matrix, x=matrix.x[nums], user_ids=user_ids)


def _of_items(
    matrix: InteractionMatrix,
    predictor: Predictor,
    training: TrainingInputs,
    was_there: NDArray[np.bool_],
) -> dict[str, Floats]:
    """What a user's items are to a network, (n_users,) each: how popular, and how many unknown.

    was_there: who was trained on, and does not count for herself: an item that nobody else had is
    unknown, as are such items of those who are new.
    """
    x, numbers = matrix.x, _numbers(matrix, predictor)
    lengths = np.diff(x.indptr)
    users = np.repeat(np.arange(x.shape[0]), lengths)
    items, own = numbers[x.indices], was_there[users]
    n_trained = len(training.trained_on)
    n_others = np.round(training.popularity * n_trained)[items] - own
    is_known = (items >= 0) & (n_others > 0)
    logs = np.log(np.maximum(n_others, 0.5) / np.maximum(n_trained - own, 1))
    n_known = np.bincount(users, weights=is_known, minlength=len(lengths))
    told = np.bincount(users, weights=np.where(is_known, logs, 0.0), minlength=len(lengths))
    with np.errstate(invalid="ignore", divide="ignore"):
        popular = np.where(n_known > 0, told / n_known, np.nan)
    return {"item-popularity": popular, "unknown-items": 1 - n_known / np.maximum(lengths, 1)}


def _numbers(matrix: InteractionMatrix, predictor: Predictor) -> NDArray[np.int64]:
    """The network's number of each of the matrix's items, (n_items,); -1: it does not know it."""
    found = (predictor.vocabulary.num(item_id) for item_id in matrix.vocabulary.item_ids)
    return np.array([-1 if num is None else num for num in found], dtype=np.int64)


def _scores(matrix: InteractionMatrix, predictor: Predictor, seed: int) -> Floats:
    """Anomaly scores of some users with a history that the network knows."""
    drawn = np.random.default_rng(seed).permutation(matrix.x.shape[0])[:MAX_SCORED]
    known = known_rows(_of_users(matrix, drawn), predictor)
    scores: Floats = predictor.score_rows(known.x, on_chunk=untold).scores.numpy()
    return scores
