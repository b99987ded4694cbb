"""Embeddings and neighbours as they are asked for and answered."""

from typing import Annotated, Literal

from pydantic import Field

from service.schemas.fields import Answer, ArtifactId, HowMany, Query
from service.schemas.recommendations import RecommendationAnswer

Space = Annotated[
    Literal["decoder", "code"],
    Field(
        description="`decoder`: dot product of user and item plus the item's bias is its logit; "
        "`code`: the bottleneck."
    ),
]


class EmbeddingQuery(Query):
    """In which space."""

    space: Space = "decoder"


class ItemEmbeddingQuery(Query):
    """Items have one in the decoder space only."""

    space: Literal["decoder"] = "decoder"


class EmbeddingAnswer(Answer):
    """Where a user or an item lies; comparable only under the same `artifact_id`."""

    embedding: list[float]
    space: str
    artifact_id: ArtifactId


class ItemEmbeddingAnswer(EmbeddingAnswer):
    """Where an item lies."""

    bias: float | None = Field(
        description="What to add to the dot product with a user's embedding to have the item's "
        "logit. Null: the artifact was promoted before biases were kept; promote it again."
    )


class SimilarQuery(Query):
    """How many neighbours, and by what."""

    n: HowMany = 10
    by: Annotated[
        Literal["interactions", "image"],
        Field(description="`interactions`: liked by the same users; `image`: looking alike."),
    ] = "interactions"


class SimilarAnswer(Answer):
    """The nearest items, nearest first."""

    items: list[RecommendationAnswer]
    artifact_id: ArtifactId
