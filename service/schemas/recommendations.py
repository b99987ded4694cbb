"""Recommendations as they are asked for and answered."""

from typing import Annotated, Any, Literal

from pydantic import Field

from service.schemas.fields import MAX_LIST, Answer, ExternalId, HowMany, Ignored, Query
from service.schemas.histories import HistoryBody

Which = Annotated[
    Literal["all", "warm", "cold"],
    Field(
        description="`warm`: only items that the network knows; `cold`: only those scored by their "
        "content."
    ),
]
ExcludeSeen = Annotated[bool, Field(description="Leave out what the history already has.")]


class RecommendationsBody(HistoryBody):
    """For whom, how many and what to leave out."""

    n: HowMany = 10
    exclude_ids: Annotated[
        list[ExternalId], Field(max_length=MAX_LIST, description="Item ids never to answer with.")
    ] = Field(default_factory=list)
    exclude_seen: ExcludeSeen = True
    items: Which = "all"

    def options(self) -> dict[str, Any]:
        """What is asked besides for whom."""
        return self.model_dump(include={"n", "exclude_ids", "exclude_seen", "items"})


class RecommendationsQuery(Query):
    """How many, and whether seen items may come again."""

    n: HowMany = 10
    exclude_seen: ExcludeSeen = True
    items: Which = "all"


class RecommendationAnswer(Answer):
    """One item; higher scores are better and compare within one answer only."""

    item_id: str
    score: float
    title: str | None
    cold: Annotated[
        bool,
        Field(
            exclude_if=lambda cold: not cold,
            description="true: nobody in training had it, its content gave the score; or left out.",
        ),
    ] = False


class RecommendationsAnswer(Answer):
    """Best first. `popularity`: nothing in the history was usable, or nothing is trained yet."""

    recommendations: list[RecommendationAnswer]
    artifact_id: Annotated[str | None, Field(description="null where no network answered.")]
    strategy: Literal["model", "popularity"]
    ignored: Ignored
