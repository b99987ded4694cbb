"""An image as it is sent: the body itself, or the one file of a form. Not what it may be
(`pipelines/data/images.py`).
"""

from flask import request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from pipelines.data.images import FORMATS, MAX_BYTES, check_image, media_type_format
from pipelines.errors import DamagedImage, ImageTooLarge, UnsupportedImage
from pipelines.storage.images import NewImage

FORM = "multipart/form-data"
MEDIA_TYPES = tuple(each.media_type for each in FORMATS)
_SAY_NOTHING = ("", "application/octet-stream", "application/x-www-form-urlencoded", "image/*")
"""What clients send when nobody told them what the bytes are; the last but one is curl's."""
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_FORM_BYTES = 100_000
"""What a form may add to the image."""


def sent_image() -> NewImage:
    """The image that the request brings. Raises what `check_image` raises."""
    request.max_content_length = MAX_BYTES + _FORM_BYTES
    try:
        if request.mimetype == FORM:
            part = _only_file()
            return check_image(part.read(), declared=_declared(part.mimetype))
        declared = _declared(request.mimetype)
        return check_image(request.get_data(), declared=declared)
    except RequestEntityTooLarge:
        detail = f"It has more than {MAX_BYTES:,} bytes. Shrink the image."
        raise ImageTooLarge(detail) from None


def _only_file() -> FileStorage:
    files = list(request.files.values())
    if len(files) != 1:
        detail = f"The form holds {len(files)} files; send one image: -F image=@picture.png"
        raise DamagedImage(detail)
    return files[0]


def _declared(media_type: str) -> str | None:
    if media_type in _SAY_NOTHING:
        return None
    declared = media_type_format(_ALIASES.get(media_type, media_type))
    if declared is None:
        raise UnsupportedImage(
            f"The Content-Type is {media_type}; send an image as one of {', '.join(MEDIA_TYPES)}."
        )
    return declared
