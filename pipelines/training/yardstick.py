"""By what a kind is judged: how it ranks, or how near its ratings come. One headline each.

Networks that learn from observed ratings alone are judged by RMSE; all others by ranking.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from models.autoencoders.base import Network
from models.autoencoders.losses import LOSSES
from models.devices import anywhere
from pipelines.data.interactions import Csr, to_rows
from pipelines.data.splits import HeldOut
from pipelines.training.biases import biases_scorer
from pipelines.training.evaluate import (
    HEADLINE,
    RMSE,
    Array,
    Evaluation,
    Scorer,
    evaluate,
    network_scorer,
    popularity_scorer,
)
from pipelines.training.metrics.rmse import rmse

ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Yardstick:
    """One way of judging."""

    metric: str
    """The headline: it stops training and decides at the gate."""
    evaluate: Callable[[Scorer, HeldOut], Evaluation]
    scorer: Callable[[Network], Scorer]
    """What of a network is judged."""
    plain: Callable[[Csr], Scorer]
    """The answer without a network that any must beat, from the training rows."""
    worth: Callable[[Scorer, HeldOut], float]
    """The headline over all users as one number, higher is better: what training climbs."""


def evaluate_ratings(scorer: Scorer, users: HeldOut) -> Evaluation:
    """Root mean squared error of each user's held-out ratings."""
    errors, lengths = squared_errors(scorer, users)
    return Evaluation({RMSE: rmse(errors, lengths)})


def squared_errors(scorer: Scorer, users: HeldOut) -> tuple[Array, Array]:
    """Squared error of each held-out rating, and how many each user has."""
    errors = [np.zeros(0)]
    for start in range(0, users.fold_in.shape[0], ROWS_AT_ONCE):
        held_out = to_rows(users.held_out[start : start + ROWS_AT_ONCE])
        with torch.inference_mode():
            expected = scorer(to_rows(users.fold_in[start : start + ROWS_AT_ONCE]))
        differences = held_out.values - expected[held_out.row_nums, held_out.indices]
        errors.append(differences.double().square().numpy())
    return np.concatenate(errors), np.diff(users.held_out.indptr)


def _minus_rmse(scorer: Scorer, users: HeldOut) -> float:
    """Over all ratings alike, not user by user."""
    errors, _ = squared_errors(scorer, users)
    return -float(np.sqrt(errors.mean()))


def _reconstruction(network: Network) -> Scorer:
    return anywhere(network, network.reconstruct)


RANKING = Yardstick(
    metric=HEADLINE,
    evaluate=evaluate,
    scorer=network_scorer,
    plain=popularity_scorer,
    worth=lambda scorer, users: evaluate(scorer, users).mean(HEADLINE),
)
RATINGS = Yardstick(
    metric=RMSE,
    evaluate=evaluate_ratings,
    scorer=_reconstruction,
    plain=biases_scorer,
    worth=_minus_rmse,
)


def yardstick_of(network: Network) -> Yardstick:
    """The one for networks of that loss."""
    return RATINGS if LOSSES[network.loss_name].of_observed else RANKING
