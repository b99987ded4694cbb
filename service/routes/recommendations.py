"""Recommendations, for a known user or for a posted history."""

from apiflask import APIBlueprint

from pipelines.predictor.recommend import (
    Recommendations,
    recommend_for_history,
    recommend_for_user,
)
from pipelines.storage.users import get_user
from service.context import context
from service.lookup import found
from service.schemas.recommendations import (
    RecommendationsAnswer,
    RecommendationsBody,
    RecommendationsQuery,
)

bp = APIBlueprint("recommendations", __name__, url_prefix="/v1", tag="Recommendations")

EXAMPLE = {"history": ["song-4"], "n": 3}


@bp.post("/recommendations")
@bp.input(RecommendationsBody, arg_name="body", example=EXAMPLE)
@bp.output(RecommendationsAnswer)
def recommend(body: RecommendationsBody) -> Recommendations:
    """Recommend items

    For a `user_id` or for a `history` sent along: someone who arrived a second ago is served
    without training anew. Without a usable history, or before anything is trained, the answer is
    what is popular and says so in `strategy`; a user nobody knows is such a case.
    """
    parts = context()
    predictor, popularity, options = parts.active.get(), parts.popularity, body.options()
    with parts.reading() as session:
        if body.user_id is not None:
            return recommend_for_user(
                session, predictor, popularity, user_id=body.user_id, **options
            )
        history = body.history or []
        return recommend_for_history(session, predictor, popularity, history=history, **options)


@bp.get("/users/<user_id>/recommendations")
@bp.input(RecommendationsQuery, location="query", arg_name="query")
@bp.output(RecommendationsAnswer)
def recommend_to(user_id: str, query: RecommendationsQuery) -> Recommendations:
    """Recommend items to a stored user

    A user without usable interactions gets what is popular.
    """
    parts = context()
    predictor, popularity = parts.active.get(), parts.popularity
    with parts.reading() as session:
        found(get_user(session, user_id=user_id), "user", user_id)
        return recommend_for_user(
            session, predictor, popularity, user_id=user_id, **query.model_dump()
        )
