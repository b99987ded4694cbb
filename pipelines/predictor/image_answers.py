"""Answers about images: what lies near, how one is rebuilt, what layers find, which label fits."""

from dataclasses import dataclass
from datetime import datetime

import torch
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.errors import Conflict, FieldError, InvalidInput, NotFound
from pipelines.images.embedding import embed_contents
from pipelines.images.pictures import feature_maps, grid, picture, rebuilt
from pipelines.predictor.active_images import ActiveImages
from pipelines.predictor.embed import SimilarItems, check_item
from pipelines.predictor.recommend import first_visible
from pipelines.storage.bulk import Stored
from pipelines.storage.embeddings import ItemEmbedding, get_embedding, put_embeddings
from pipelines.storage.engine import reading, writing
from pipelines.storage.images import NewImage, get_image, put_images
from pipelines.storage.items import get_item
from pipelines.storage.tables import ItemImage


@dataclass(frozen=True)
class Picture:
    """A PNG file, and what its shades stand for."""

    content: bytes
    artifact_id: str
    error: float | None = None
    """Mean squared error of the reconstruction."""
    largest_error: float | None = None
    """What white stands for in a map of errors."""


@dataclass(frozen=True)
class LabelProbability:
    """How probable a label is."""

    label: str
    probability: float


@dataclass(frozen=True)
class ImageLabel:
    """The most probable label; None where each is a question of its own and none is likely."""

    label: str | None
    probabilities: tuple[LabelProbability, ...]
    """Of all labels, the largest first."""
    exclusive: bool
    artifact_id: str


def store_image(
    engine: Engine, active: ActiveImages, *, item_id: str, image: NewImage, now: datetime
) -> Stored:
    """Store the image with its embedding, so that it is a neighbour at once."""
    artifact, rows = active.artifact, []
    with reading(engine) as session:
        item = get_item(session, item_id=item_id)
    # Before the transaction: nobody waits for a network in order to write.
    if artifact is not None and (item is None or item.image_digest != image.digest):
        vector = embed_contents(artifact, [image.content])[0]
        rows = [ItemEmbedding(item_id, vector.tobytes(), None)]
    with writing(engine) as session:
        stored = put_images(session, images={item_id: image}, now=now)
        if artifact is not None and not stored.repeated:
            put_embeddings(session, artifact_id=artifact.artifact_id, embeddings=rows)
    return stored


def similar_by_image(
    session: Session, active: ActiveImages, *, item_id: str, n: int
) -> SimilarItems:
    """Items whose images are most like this one's. Raises NotReady, NotFound."""
    live = active.live(session)
    image = _image_of(session, item_id)
    artifact_id = live.artifact.artifact_id
    stored = get_embedding(session, artifact_id=artifact_id, item_id=item_id)
    if stored is None:
        vector = torch.from_numpy(embed_contents(live.artifact, [image.content])[0])
    else:
        vector = torch.frombuffer(bytearray(stored.vector), dtype=torch.float32)
    found = first_visible(session, lambda depth: live.nearest(vector, n=depth, excluded=item_id), n)
    return SimilarItems(found, artifact_id)


def similar_to_image(
    session: Session, active: ActiveImages, *, image: NewImage, n: int
) -> SimilarItems:
    """Items whose images are most like one that is not stored. Raises NotReady."""
    live = active.live(session)
    vector = torch.from_numpy(embed_contents(live.artifact, [image.content])[0])
    found = first_visible(session, lambda depth: live.nearest(vector, n=depth), n)
    return SimilarItems(found, live.artifact.artifact_id)


def reconstruct_image(session: Session, active: ActiveImages, *, item_id: str) -> Picture:
    """What the image should look like, in its own size. Raises NotReady, NotFound."""
    artifact = active.required()
    image = _image_of(session, item_id)
    seen, expected = (part[0] for part in rebuilt(artifact, [image.content]))
    error = float((seen - expected).square().mean())
    content = picture(expected, (image.width, image.height))
    return Picture(content, artifact.artifact_id, error=error)


def map_errors(session: Session, active: ActiveImages, *, item_id: str) -> Picture:
    """Where the image differs from its reconstruction: black nowhere, white at the most."""
    artifact = active.required()
    image = _image_of(session, item_id)
    seen, expected = (part[0] for part in rebuilt(artifact, [image.content]))
    errors = (seen - expected).abs().mean(dim=0, keepdim=True)
    largest = float(errors.max())
    content = picture(errors / max(largest, 1e-12), (image.width, image.height))
    error = float((seen - expected).square().mean())
    return Picture(content, artifact.artifact_id, error=error, largest_error=largest)


def map_features(
    session: Session, active: ActiveImages, *, item_id: str, layer: str | None
) -> Picture:
    """The maps of a layer as one grid. Raises InvalidInput that lists the layers there are."""
    artifact = active.required()
    image = _image_of(session, item_id)
    maps = feature_maps(artifact, image.content)
    if layer not in maps:
        said = "Name a layer" if layer is None else f"There is no layer {layer!r}"
        detail = f"{said}; the layers of {artifact.artifact_id} are: {', '.join(maps)}."
        raise InvalidInput(detail, errors=[FieldError("/layer", detail)])
    return Picture(grid(maps[layer]), artifact.artifact_id)


def label_image(session: Session, active: ActiveImages, *, item_id: str) -> ImageLabel:
    """Which label the image has. Raises NotReady, NotFound; Conflict where no label was learnt."""
    artifact = active.required()
    image = _image_of(session, item_id)
    head = artifact.head
    if head is None:
        raise Conflict(
            f"Artifact {artifact.artifact_id} learnt no labels. Give items with images at least "
            "two categories, five images each, then run `hourglass train convolutional`."
        )
    codes = torch.from_numpy(embed_contents(artifact, [image.content]))
    with torch.inference_mode():
        values = head.probabilities(codes)[0].tolist()
    pairs = sorted(zip(head.labels.names, values, strict=True), key=lambda pair: -pair[1])
    probabilities = tuple(LabelProbability(*pair) for pair in pairs)
    exclusive = head.labels.output == "softmax"
    best = probabilities[0]
    label = best.label if exclusive or best.probability >= 0.5 else None
    return ImageLabel(label, probabilities, exclusive, artifact.artifact_id)


def _image_of(session: Session, item_id: str) -> ItemImage:
    check_item(session, item_id)
    image = get_image(session, item_id=item_id)
    if image is None:
        raise NotFound(f"Item {item_id!r} has no image; PUT /v1/items/ITEM_ID/image gives it one.")
    return image
