"""Images as they are answered."""

from typing import Annotated

from pydantic import Field

from service.schemas.fields import Answer

ImageDigest = Annotated[
    str, Field(description="sha256 of the PNG file that `GET` answers with, and its ETag.")
]


class ImageAnswer(Answer):
    """An image as it is kept: a PNG file."""

    item_id: str
    image_digest: ImageDigest
    width: int
    height: int
    channels: Annotated[int, Field(description="1: grey; 3: colour.")]
