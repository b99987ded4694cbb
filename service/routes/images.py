"""Images of items: written, read, removed; and what the network makes of them."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from apiflask.schemas import FileSchema
from flask import Response, request

from pipelines.errors import NotFound
from pipelines.predictor.embed import SimilarItems
from pipelines.predictor.image_answers import (
    ImageLabel,
    Picture,
    label_image,
    map_errors,
    map_features,
    reconstruct_image,
    similar_to_image,
    store_image,
)
from pipelines.storage import images as storage
from pipelines.storage.items import get_item
from service.context import context
from service.image_bodies import sent_image
from service.lookup import found, removed
from service.openapi import IMAGE_BODY
from service.schemas.embeddings import SimilarAnswer
from service.schemas.images import ImageAnswer, LabelAnswer, LayerQuery, NeighboursQuery

bp = APIBlueprint("images", __name__, url_prefix="/v1", tag="Images")

PNG = "image/png"
PNG_FILE = FileSchema(type="string", format="binary")


@bp.put("/items/<item_id>/image")
@bp.output(ImageAnswer)
@bp.doc(extensions=IMAGE_BODY, responses={201: "The item had no image before"})
def put_image(item_id: str) -> tuple[dict[str, Any], int]:
    """Give an item an image

    PNG, JPEG or WebP, as the body or as the one file of a form. An item that nobody knew is
    created. Kept is a PNG file, upright, at most 1,024 pixels a side, transparent parts white.
    Sending the same again changes nothing.
    """
    parts, image = context(), sent_image()
    now = datetime.now(UTC)
    stored = store_image(parts.engine, parts.images, item_id=item_id, image=image, now=now)
    answer = {"item_id": item_id, "image_digest": image.digest, **image._asdict()}
    return answer, 201 if stored.new else 200


@bp.get("/items/<item_id>/image")
@bp.output(PNG_FILE, content_type=PNG)
def get_image(item_id: str) -> Response:
    """Read the image of an item

    A PNG file. Its ETag is `image_digest`: a client that has it already gets 304.
    """
    with context().reading() as session:
        item = found(get_item(session, item_id=item_id), "item", item_id)
        image = storage.get_image(session, item_id=item_id)
    if image is None or item.image_digest is None:
        raise _no_image(item_id)
    response = Response(image.content, mimetype=PNG)
    response.set_etag(item.image_digest)
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response


@bp.delete("/items/<item_id>/image")
@bp.output({}, status_code=204, description="Removed")
def delete_image(item_id: str) -> Response:
    """Remove the image of an item

    The item stays.
    """
    with context().writing() as session:
        found(get_item(session, item_id=item_id), "item", item_id)
        if not storage.delete_image(session, item_id=item_id, now=datetime.now(UTC)):
            raise _no_image(item_id)
    return removed(True, "item", item_id)


@bp.post("/images/similar")
@bp.input(NeighboursQuery, location="query", arg_name="query")
@bp.output(SimilarAnswer)
@bp.doc(extensions=IMAGE_BODY)
def similar(query: NeighboursQuery) -> SimilarItems:
    """Find the items whose images look like one

    The image is sent as with `PUT`, and not stored.
    """
    parts, image = context(), sent_image()
    with parts.reading() as session:
        return similar_to_image(session, parts.images, image=image, n=query.n)


@bp.get("/items/<item_id>/image/reconstruction")
@bp.output(PNG_FILE, content_type=PNG)
def reconstruction(item_id: str) -> Response:
    """Show what an image should look like

    As the network rebuilds it, in the size of the image. The headers `Hourglass-Artifact` and
    `Hourglass-Error` name the artifact and the mean squared error.
    """
    parts = context()
    with parts.reading() as session:
        return _png(reconstruct_image(session, parts.images, item_id=item_id))


@bp.get("/items/<item_id>/image/error-map")
@bp.output(PNG_FILE, content_type=PNG)
def error_map(item_id: str) -> Response:
    """Show where an image differs from its reconstruction

    Black: nowhere; white: by what the header `Hourglass-Largest-Error` says, of pixels in [0, 1].
    """
    parts = context()
    with parts.reading() as session:
        return _png(map_errors(session, parts.images, item_id=item_id))


@bp.get("/items/<item_id>/feature-maps")
@bp.input(LayerQuery, location="query", arg_name="query")
@bp.output(PNG_FILE, content_type=PNG)
def layer_maps(item_id: str, query: LayerQuery) -> Response:
    """Show what a layer finds in an image

    All of its maps as one grid, each from its least value (black) to its largest (white).
    """
    parts = context()
    with parts.reading() as session:
        picture = map_features(session, parts.images, item_id=item_id, layer=query.layer)
    return _png(picture)


@bp.get("/items/<item_id>/image/label")
@bp.output(LabelAnswer)
@bp.doc(responses={409: "The active artifact learnt no labels"})
def label(item_id: str) -> ImageLabel:
    """Say which label an image has

    Labels are the categories that the run could learn from.
    """
    parts = context()
    with parts.reading() as session:
        return label_image(session, parts.images, item_id=item_id)


def _png(picture: Picture) -> Response:
    response = Response(picture.content, mimetype=PNG)
    response.headers["Hourglass-Artifact"] = picture.artifact_id
    for name, value in (("Error", picture.error), ("Largest-Error", picture.largest_error)):
        if value is not None:
            response.headers[f"Hourglass-{name}"] = f"{value:.6f}"
    return response


def _no_image(item_id: str) -> NotFound:
    return NotFound(f"Item {item_id!r} has no image; PUT one under the same address.")
