"""Images of items over HTTP: written, read, removed, and refused with the reason."""

from io import BytesIO

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from pipelines.data.images import MAX_BYTES
from tests.pictures import png, saved

IMAGE = "/v1/items/a%2Fb/image"


def put(client: FlaskClient, content: bytes, media_type: str = "image/png") -> TestResponse:
    return client.put(IMAGE, data=content, content_type=media_type)


def test_an_image_is_stored_and_read_back(client: FlaskClient) -> None:
    answer = put(client, png(7, (6, 4)))
    assert answer.status_code == 201
    assert (answer.json["item_id"], answer.json["width"], answer.json["height"]) == ("a/b", 6, 4)
    found = client.get(IMAGE)
    assert (found.status_code, found.content_type) == (200, "image/png")
    assert Image.open(BytesIO(found.data)).getpixel((1, 1)) == 7
    assert client.get("/v1/items/a%2Fb").json["image_digest"] == answer.json["image_digest"]
    tag = found.headers["ETag"]
    assert client.get(IMAGE, headers={"If-None-Match": tag}).status_code == 304


def test_the_same_image_again_changes_nothing(client: FlaskClient) -> None:
    first, again = put(client, png()), put(client, png())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    other = put(client, png(3))
    assert other.status_code == 200
    assert other.json["image_digest"] != first.json["image_digest"]


def test_an_image_is_removed_and_the_item_stays(client: FlaskClient) -> None:
    put(client, png())
    gone = client.delete(IMAGE)
    assert (gone.status_code, gone.data) == (204, b"")
    assert client.delete(IMAGE).status_code == 404
    assert client.get(IMAGE).status_code == 404
    assert client.get("/v1/items/a%2Fb").json["image_digest"] is None
    assert client.get("/v1/items/nobody/image").status_code == 404


@pytest.mark.parametrize(
    "media_type", ["application/octet-stream", "application/x-www-form-urlencoded", None]
)
def test_who_does_not_say_what_it_is_is_understood(
    client: FlaskClient, media_type: str | None
) -> None:
    assert client.put(IMAGE, data=png(), content_type=media_type).status_code == 201


def test_a_form_with_one_file_is_understood_and_with_two_refused(client: FlaskClient) -> None:
    def form(*contents: bytes) -> dict[str, object]:
        return {f"image{n}": (BytesIO(c), f"{n}.png") for n, c in enumerate(contents)}

    assert client.put(IMAGE, data=form(png())).status_code == 201
    assert client.put(IMAGE, data=form(png(), png())).status_code == 422
    assert client.put(IMAGE, data=form(saved(Image.new("L", (4, 4)), "JPEG"))).status_code == 415


ANIMATION = saved(
    Image.new("L", (4, 4)), save_all=True, append_images=[Image.new("L", (4, 4), 255)]
)


@pytest.mark.parametrize(
    ("content", "media_type", "status", "kind"),
    [
        (b"", "image/png", 422, "damaged-image"),
        (png()[:-20], "image/png", 422, "damaged-image"),
        (ANIMATION, "image/png", 422, "damaged-image"),
        (b"just text", "image/png", 415, "unsupported-image"),
        (png(), "image/jpeg", 415, "unsupported-image"),
        (png(), "text/plain", 415, "unsupported-image"),
        (b"{}", "application/json", 415, "unsupported-image"),
        (saved(Image.new("L", (4, 4)), "GIF"), "image/gif", 415, "unsupported-image"),
        (saved(Image.new("L", (5200, 5000))), "image/png", 413, "image-too-large"),
        (png() + bytes(MAX_BYTES), "image/png", 413, "image-too-large"),
        (png() + bytes(2 * MAX_BYTES), "image/png", 413, "image-too-large"),
    ],
)
def test_what_is_no_image_is_refused_and_nothing_is_stored(
    client: FlaskClient, content: bytes, media_type: str, status: int, kind: str
) -> None:
    answer = put(client, content, media_type)
    assert answer.status_code == status, answer.json
    assert answer.json["type"] == f"/problems/{kind}"
    assert answer.json["detail"]
    assert client.get("/v1/items").json["items"] == []
    assert put(client, png()).status_code == 201
