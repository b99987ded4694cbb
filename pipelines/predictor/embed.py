"""Where users and items lie, and which items lie near. Never across two artifacts."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from pipelines.errors import NotFound
from pipelines.predictor.histories import check_user, stored_history
from pipelines.predictor.predictor import Predictor, required
from pipelines.predictor.recommend import Recommendation, first_visible
from pipelines.storage import artifacts, embeddings
from pipelines.storage.items import get_item


@dataclass(frozen=True)
class Embedding:
    """A vector, and the space and artifact in which alone it means something."""

    embedding: tuple[float, ...]
    space: str
    artifact_id: str


@dataclass(frozen=True)
class PlacedItem(Embedding):
    """An item's: its logit is its dot product with a user's embedding, plus the bias."""

    bias: float | None
    """None: the artifact was promoted before biases were stored."""


@dataclass(frozen=True)
class SimilarItems:
    """Items in the same direction, nearest first; the score is the cosine."""

    items: tuple[Recommendation, ...]
    artifact_id: str


def embed_user(
    session: Session, predictor: Predictor | None, *, user_id: str, space: str
) -> Embedding:
    """Of a stored user's history. Raises NotFound, or NotReady without an artifact."""
    network = required(predictor)
    check_user(session, user_id)
    history = stored_history(session, network, user_id)
    vector = network.embed(history.item_nums, space=space, weights=history.weights)
    return Embedding(tuple(vector), space, network.artifact_id)


def embed_item(session: Session, predictor: Predictor | None, *, item_id: str) -> PlacedItem:
    """Of an item, in the decoder space: read where promotion stored it, with the id it stored."""
    network = required(predictor)
    check_item(session, item_id)
    active = artifacts.active_artifact(session)
    artifact_id = active.artifact_id if active else network.artifact_id
    stored = embeddings.get_embedding(session, artifact_id=artifact_id, item_id=item_id)
    if stored is None:
        network.item_embeddings()  # a kind that has none says so
        raise _unknown_to(artifact_id, item_id)
    vector = np.frombuffer(stored.vector, dtype="<f4")
    return PlacedItem(tuple(vector.tolist()), "decoder", artifact_id, stored.bias)


def similar_items(
    session: Session, predictor: Predictor | None, *, item_id: str, n: int
) -> SimilarItems:
    """The items whose embeddings point the same way. Raises NotFound, NotReady."""
    network = required(predictor)
    check_item(session, item_id)
    num = network.vocabulary.num(item_id)
    if num is None:
        raise _unknown_to(network.artifact_id, item_id)
    nearest = first_visible(session, lambda depth: network.similar(num, n=depth), n)
    return SimilarItems(nearest, network.artifact_id)


def check_item(session: Session, item_id: str) -> None:
    """Raise NotFound unless the item is in the catalogue."""
    if get_item(session, item_id=item_id) is None:
        raise NotFound(f"There is no item {item_id!r}. Put it, or post an interaction with it.")


def _unknown_to(artifact_id: str, item_id: str) -> NotFound:
    return NotFound(
        f"Item {item_id!r} is in the catalogue, but artifact {artifact_id} was trained without "
        "it. It needs interactions of training users, and a new training."
    )
