"""Embeddings of users and items, and the items nearest to one."""

from apiflask import APIBlueprint

from pipelines.predictor.embed import (
    Embedding,
    PlacedItem,
    SimilarItems,
    embed_item,
    embed_user,
    similar_items,
)
from pipelines.predictor.image_answers import similar_by_image
from service.context import context
from service.schemas.embeddings import (
    EmbeddingAnswer,
    EmbeddingQuery,
    ItemEmbeddingAnswer,
    ItemEmbeddingQuery,
    SimilarAnswer,
    SimilarQuery,
)

bp = APIBlueprint("embeddings", __name__, url_prefix="/v1", tag="Embeddings")

NO_SPACE = {409: "The active artifact's kind has no embedding of this space"}


@bp.get("/users/<user_id>/embedding")
@bp.input(EmbeddingQuery, location="query", arg_name="query")
@bp.output(EmbeddingAnswer)
@bp.doc(responses=NO_SPACE)
def user_embedding(user_id: str, query: EmbeddingQuery) -> Embedding:
    """Say where a user lies"""
    predictor = context().active.get()
    with context().reading() as session:
        return embed_user(session, predictor, user_id=user_id, space=query.space)


@bp.get("/items/<item_id>/embedding")
@bp.input(ItemEmbeddingQuery, location="query", arg_name="_query")
@bp.output(ItemEmbeddingAnswer)
@bp.doc(responses=NO_SPACE)
def item_embedding(item_id: str, _query: ItemEmbeddingQuery) -> PlacedItem:
    """Say where an item lies"""
    predictor = context().active.get()
    with context().reading() as session:
        return embed_item(session, predictor, item_id=item_id)


@bp.get("/items/<item_id>/similar")
@bp.input(SimilarQuery, location="query", arg_name="query")
@bp.output(SimilarAnswer)
@bp.doc(responses=NO_SPACE)
def similar(item_id: str, query: SimilarQuery) -> SimilarItems:
    """Find the items nearest to one"""
    parts = context()
    predictor = parts.active.get()
    with parts.reading() as session:
        if query.by == "image":
            return similar_by_image(session, parts.images, item_id=item_id, n=query.n)
        return similar_items(session, predictor, item_id=item_id, n=query.n)
