"""Reconstructions as they are asked for and answered."""

from typing import Annotated

from pydantic import Field

from service.schemas.fields import Answer, ArtifactId, HowMany, Ignored
from service.schemas.histories import HistoryBody


class ReconstructionsBody(HistoryBody):
    """Whose row, and how many of its items to show."""

    n: HowMany = 1000


class ItemErrorAnswer(Answer):
    """One item: what the row says, what the network says it should say, and how far off that is."""

    item_id: str
    observed: float
    expected: float
    error: float


class ReconstructionAnswer(Answer):
    """What the row should look like, largest error first."""

    reconstruction: list[ItemErrorAnswer]
    error: Annotated[float, Field(description="Sum over all items, not only those shown.")]
    n_items: Annotated[int, Field(description="How many items the network knows.")]
    artifact_id: ArtifactId
    ignored: Ignored
