"""Images of items: written, read, removed."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from apiflask.schemas import FileSchema
from flask import Response, request

from pipelines.errors import NotFound
from pipelines.storage import images as storage
from pipelines.storage.items import get_item
from service.context import context
from service.image_bodies import sent_image
from service.lookup import found, removed
from service.openapi import IMAGE_BODY
from service.schemas.images import ImageAnswer

bp = APIBlueprint("images", __name__, url_prefix="/v1/items", tag="Images")

PNG = "image/png"
PNG_FILE = FileSchema(type="string", format="binary")


@bp.put("/<item_id>/image")
@bp.output(ImageAnswer)
@bp.doc(extensions=IMAGE_BODY, responses={201: "The item had no image before"})
def put_image(item_id: str) -> tuple[dict[str, Any], int]:
    """Give an item an image

    PNG, JPEG or WebP, as the body or as the one file of a form. An item that nobody knew is
    created. Kept is a PNG file, upright, at most 1,024 pixels a side, transparent parts white.
    Sending the same again changes nothing.
    """
    image = sent_image()
    with context().writing() as session:
        stored = storage.put_images(session, images={item_id: image}, now=datetime.now(UTC))
    answer = {"item_id": item_id, "image_digest": image.digest, **image._asdict()}
    return answer, 201 if stored.new else 200


@bp.get("/<item_id>/image")
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


@bp.delete("/<item_id>/image")
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


def _no_image(item_id: str) -> NotFound:
    return NotFound(f"Item {item_id!r} has no image; PUT one under the same address.")
