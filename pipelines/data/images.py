"""From bytes that anybody sent to an image that can be kept, or an error that says why not.

What is kept is a PNG file of 8 bits, grey or colour, upright, at most MAX_SIDE pixels a side:
whatever else the sender's file held is gone. Knows no item, no file and no request.
"""

import hashlib
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
from PIL import Image, ImageChops, ImageOps

from pipelines.errors import DamagedImage, ImageTooLarge, UnsupportedImage
from pipelines.storage.images import NewImage

MAX_BYTES: Final = 10_000_000
MAX_PIXELS: Final = 25_000_000
"""Looked up in the header, before a single pixel is decoded."""
MAX_SIDE: Final = 1024
"""Larger images are shrunk to it: networks read far less, and a database has better uses."""


@dataclass(frozen=True)
class ImageFormat:
    """A format that is taken: how its files begin, and what says that a file is of it."""

    name: str
    media_type: str
    suffixes: tuple[str, ...]
    begins: tuple[tuple[int, bytes], ...]
    """(offset, bytes) that all have to be there."""
    is_whole: Callable[[bytes], bool]
    """Whether its end is there: decoders forgive a missing one where the pixels suffice."""

    def is_of(self, content: bytes) -> bool:
        return all(content[at : at + len(magic)] == magic for at, magic in self.begins)


FORMATS: Final = (
    ImageFormat(
        "PNG",
        "image/png",
        (".png",),
        ((0, b"\x89PNG\r\n\x1a\n"),),
        lambda content: b"IEND\xaeB`\x82" in content,
    ),
    ImageFormat(
        "JPEG",
        "image/jpeg",
        (".jpg", ".jpeg"),
        ((0, b"\xff\xd8\xff"),),
        lambda content: b"\xff\xd9" in content,
    ),
    ImageFormat(
        "WEBP",
        "image/webp",
        (".webp",),
        ((0, b"RIFF"), (8, b"WEBP")),
        lambda content: len(content) >= 8 + int.from_bytes(content[4:8], "little"),
    ),
)
ALLOWED: Final = "PNG, JPEG or WebP"
_OTHERS: Final = {
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"%PDF": "a PDF",
    b"\0\0\1\0": "an icon",
    b"<svg": "an SVG",
    b"PK\3\4": "a zip file",
    b"\x1f\x8b": "a gzip file",
}

# Pillow's own bound is above ours; where it warns, it shall refuse.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
_DECODING = threading.Lock()
"""One image at a time in a process: so memory is bounded by one, however many are sent."""


def check_image(content: bytes, *, declared: str | None = None) -> NewImage:
    """The image in these bytes, as it is to be kept.

    declared: the format that the sender named (`media_type_format`, `suffix_format`), if any; what
    it is, the content alone decides. Raises ImageTooLarge, UnsupportedImage or DamagedImage.
    """
    known = _format_of(content)
    if declared not in (None, known.name):
        raise UnsupportedImage(
            f"It is declared as {declared}, and its content is {known.name}. "
            f"Declare it as {known.media_type}, or send the file that was meant."
        )
    with _DECODING:
        image = _decoded(content, known)
    return kept(image)


def media_type_format(media_type: str) -> str | None:
    """The format that a Content-Type names, or None."""
    return next((each.name for each in FORMATS if each.media_type == media_type), None)


def suffix_format(suffix: str) -> str | None:
    """The format that the ending of a file's name stands for, or None."""
    return next((each.name for each in FORMATS if suffix.lower() in each.suffixes), None)


def _format_of(content: bytes) -> ImageFormat:
    if not content:
        raise DamagedImage("It is empty: 0 bytes. Send the bytes of a PNG, JPEG or WebP file.")
    if len(content) > MAX_BYTES:
        raise ImageTooLarge(f"It has more than {MAX_BYTES:,} bytes. Shrink the image.")
    for known in FORMATS:
        if known.is_of(content):
            return known
    looks = next((what for magic, what in _OTHERS.items() if content.startswith(magic)), None)
    found = f"It is {looks}" if looks else "Its content is no image that is known here"
    raise UnsupportedImage(f"{found}; send {ALLOWED}, whatever the file is called.")


def _decoded(content: bytes, known: ImageFormat) -> Image.Image:
    """Upright, 8 bits, grey (L) or colour (RGB), within MAX_SIDE."""
    try:
        with Image.open(BytesIO(content), formats=[known.name]) as image:
            _check_size(*image.size)
            _check_frames(image)
            # JPEG only: decoding at a half, a quarter or an eighth costs that much less.
            image.draft(None, (MAX_SIDE, MAX_SIDE))
            image.load()
            if not known.is_whole(content):
                raise _damaged(known, "cut off")
            return _normalised(image)
    except (DamagedImage, ImageTooLarge, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except Exception as error:  # decoders of damaged files raise whatever they come upon
        raise _damaged(known, "cut off" if "truncated" in str(error) else "damaged") from error


def _damaged(known: ImageFormat, how: str) -> DamagedImage:
    return DamagedImage(
        f"It begins as a {known.name} file and cannot be decoded: it is {how}. "
        "Send the whole file again."
    )


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise DamagedImage(f"It is {width} by {height} pixels: there is nothing in it.")
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(f" ({width:,} by {height:,})")


def _too_many_pixels(size: str = "") -> ImageTooLarge:
    return ImageTooLarge(f"It has more than {MAX_PIXELS:,} pixels{size}. Shrink the image.")


def _check_frames(image: Image.Image) -> None:
    """Refuse what moves. MPO is a JPEG that a camera put further views behind: the first counts."""
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise DamagedImage(f"It is animated ({frames} frames); send a single picture.")


def _normalised(image: Image.Image) -> Image.Image:
    image = _in_eight_bits(image)
    if image.has_transparency_data:
        image = _on_white(image.convert("RGBA"))
    elif image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    image = ImageOps.exif_transpose(image)
    return image.convert("L") if _is_grey(image) else image


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits at 8; Pillow itself would cut off what is above 255."""
    if not image.mode.startswith("I"):
        return image
    values: np.ndarray[Any, Any] = np.asarray(image)
    exif = image.getexif()
    reduced = Image.fromarray((values.clip(0, 65_535) // 257).astype(np.uint8))
    reduced.info["exif"] = exif.tobytes()
    return reduced


def _on_white(image: Image.Image) -> Image.Image:
    """What is transparent shows a white page."""
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image.getchannel("A"))
    page.info = image.info
    return page


def _is_grey(image: Image.Image) -> bool:
    if image.mode == "L":
        return True
    red, green, blue = image.split()
    return all(ImageChops.difference(red, each).getbbox() is None for each in (green, blue))


def kept(image: Image.Image) -> NewImage:
    """A grey (L) or colour (RGB) image as it is to be kept."""
    content = png_of(image)
    channels = 1 if image.mode == "L" else 3
    digest = hashlib.sha256(content).hexdigest()
    return NewImage(content, digest, image.width, image.height, channels)


def png_of(image: Image.Image) -> bytes:
    """The image as a PNG file with nothing but its pixels in it."""
    file = BytesIO()
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    bare.save(file, "PNG")
    return file.getvalue()


def pixels_of(content: bytes, shape: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """A kept image as a network reads it: (channels * height * width,) uint8.

    shape: (channels, height, width). Stretched to it; its sides' ratio is not kept.
    """
    channels, height, width = shape
    with Image.open(BytesIO(content), formats=["PNG"]) as image:
        read = image.convert("L" if channels == 1 else "RGB")
        if read.size != (width, height):
            read = read.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(read).reshape(height, width, channels)
    return np.array(pixels.transpose(2, 0, 1)).reshape(-1)
