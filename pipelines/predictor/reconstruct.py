"""What a history should look like, and where it differs. Not whether that is strange."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from sqlalchemy.orm import Session

from pipelines.predictor.histories import History, check_user, posted_history, stored_history
from pipelines.predictor.predictor import Predictor, required


@dataclass(frozen=True)
class ItemError:
    """One item: what the history holds, what the network expects, |observed - expected|."""

    item_id: str
    observed: float
    expected: float
    error: float


@dataclass(frozen=True)
class Reconstruction:
    """The n items with the largest errors; `error` is the sum over all n_items."""

    reconstruction: tuple[ItemError, ...]
    error: float
    n_items: int
    artifact_id: str
    ignored: tuple[str, ...]


def reconstruct_history(
    session: Session, predictor: Predictor | None, *, history: Sequence[str], n: int
) -> Reconstruction:
    """Of a history sent with the request. Raises NotReady without an artifact."""
    network = required(predictor)
    return _reconstruct(network, posted_history(network, history), n)


def reconstruct_user(
    session: Session, predictor: Predictor | None, *, user_id: str, n: int
) -> Reconstruction:
    """Of a stored user's history. Raises NotFound, or NotReady without an artifact."""
    network = required(predictor)
    check_user(session, user_id)
    return _reconstruct(network, stored_history(session, network, user_id), n)


def _reconstruct(predictor: Predictor, history: History, n: int) -> Reconstruction:
    observed, expected = predictor.reconstruct(history.item_nums, history.weights)
    errors = (observed - expected).abs()
    largest = torch.topk(errors, min(n, len(errors))).indices.tolist()
    rows = tuple(
        ItemError(
            predictor.vocabulary.item_ids[i], *(float(v[i]) for v in (observed, expected, errors))
        )
        for i in largest
    )
    return Reconstruction(
        rows, float(errors.sum()), len(errors), predictor.artifact_id, history.ignored
    )
