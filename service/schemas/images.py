"""Images as they are answered."""

from typing import Annotated

from pydantic import Field

from service.schemas.fields import Answer, ArtifactId, HowMany, Query, Text

ImageDigest = Annotated[
    str, Field(description="sha256 of the PNG file that `GET` answers with, and its ETag.")
]


class NeighboursQuery(Query):
    """How many neighbours."""

    n: HowMany = 10


class LayerQuery(Query):
    """Which layer."""

    layer: Annotated[
        Text | None, Field(description="Its name; the error of a wrong one lists them all.")
    ] = None


class ProbabilityAnswer(Answer):
    """How probable a label is."""

    label: str
    probability: float


class LabelAnswer(Answer):
    """The label of an image."""

    label: Annotated[
        str | None, Field(description="The most probable; null: none is likelier than not.")
    ]
    probabilities: list[ProbabilityAnswer]
    exclusive: Annotated[
        bool, Field(description="Whether one label excludes the others: then they add up to 1.")
    ]
    artifact_id: ArtifactId


class ImageAnswer(Answer):
    """An image as it is kept: a PNG file."""

    item_id: str
    image_digest: ImageDigest
    width: int
    height: int
    channels: Annotated[int, Field(description="1: grey; 3: colour.")]
