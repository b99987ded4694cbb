"""What is taken as an image, what becomes of it, and what is refused with which reason."""

import struct
import subprocess
import sys
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipelines.data.images import (
    MAX_BYTES,
    MAX_PIXELS,
    MAX_SIDE,
    check_image,
    media_type_format,
    pixels_of,
    suffix_format,
)
from pipelines.errors import DamagedImage, HourglassError, ImageTooLarge, UnsupportedImage

BOMB_SIDE = 10_000
"""Of a PNG file of 450 kB whose 100 MB of pixels are all really there."""
BOMB_KILOBYTES = 30_000
"""What refusing it may take, Pillow's own modules included."""


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def gradient(mode: str = "L", size: tuple[int, int] = (12, 8)) -> Image.Image:
    width, height = size
    values = np.linspace(0, 255, width * height).reshape(height, width).astype(np.uint8)
    return Image.fromarray(values).convert(mode)


def values(image: Image.Image) -> list[int]:
    return np.asarray(image).ravel().tolist()


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(check_image(content).content))


def png_of_header(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG file of that size whose pixels are `data`, whatever fits there."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(data, 1)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_each_format_is_taken_and_kept_as_png(kind: str) -> None:
    kept = check_image(saved(gradient("RGB"), kind), declared=kind)
    assert (kept.width, kept.height) == (12, 8)
    assert opened(kept.content).format == "PNG"


def test_grey_stays_grey_exactly_and_colour_colour() -> None:
    assert values(opened(saved(gradient()))) == values(gradient())
    red = Image.new("RGB", (4, 4), (200, 10, 10))
    assert opened(saved(red)).getpixel((1, 1)) == (200, 10, 10)
    assert check_image(saved(red)).channels == 3


def test_grey_that_is_written_as_colour_counts_as_grey() -> None:
    assert check_image(saved(gradient("RGB"))).channels == 1


def test_what_is_transparent_shows_white() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert opened(saved(clear)).getpixel((0, 0)) == 255
    half = Image.new("LA", (4, 4), (0, 128))
    assert 120 < opened(saved(half)).getpixel((0, 0)) < 135


def test_palettes_bits_cmyk_and_sixteen_bits_are_read() -> None:
    palette = Image.new("RGB", (4, 4), (10, 200, 30)).quantize(4)
    assert opened(saved(palette)).getpixel((0, 0)) == (10, 200, 30)
    assert opened(saved(Image.new("1", (4, 4), 1))).getpixel((0, 0)) == 255
    assert check_image(saved(Image.new("CMYK", (4, 4), (0, 255, 0, 0)), "JPEG")).channels == 3
    deep = Image.fromarray(np.array([[0, 257, 65_535]], dtype=np.uint16))
    assert values(opened(saved(deep))) == [0, 1, 255]


def test_the_camera_s_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    kept = check_image(saved(gradient(size=(40, 20)), "JPEG", exif=exif))
    assert (kept.width, kept.height) == (20, 40)
    assert "exif" not in opened(kept.content).info


def test_a_large_image_is_shrunk_and_keeps_its_ratio() -> None:
    kept = check_image(saved(gradient(size=(3000, 1500))))
    assert (kept.width, kept.height) == (MAX_SIDE, MAX_SIDE // 2)


def test_the_first_view_of_a_camera_s_jpeg_counts() -> None:
    views = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    kept = opened(saved(views[0], "MPO", save_all=True, append_images=views[1:]))
    red, _, blue = kept.getpixel((4, 4))
    assert red > 200 > 50 > blue


def test_a_kept_image_checked_again_is_the_same() -> None:
    kept = check_image(saved(gradient("RGB", (30, 20)), "JPEG"))
    assert check_image(kept.content) == kept


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_animated_is_refused(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(DamagedImage, match="animated"):
        check_image(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_is_cut_off_is_refused(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    content = saved(Image.fromarray(noise), kind)
    for length in (len(content) // 10, len(content) // 2, len(content) - 20, len(content) - 1):
        with pytest.raises(DamagedImage, match=r"cut off|damaged"):
            check_image(content[:length])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello, this is text", "no image that is known here"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG"),
        (saved(gradient(), "GIF"), "a GIF"),
        (saved(gradient(), "BMP"), "a BMP"),
        (saved(gradient(), "TIFF"), "a TIFF"),
    ],
)
def test_other_formats_are_refused_by_their_content(content: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedImage, match=reason):
        check_image(content, declared="PNG")


def test_a_wrong_label_is_named() -> None:
    with pytest.raises(UnsupportedImage, match=r"declared as PNG.*content is JPEG"):
        check_image(saved(gradient(), "JPEG"), declared="PNG")
    assert (media_type_format("image/webp"), media_type_format("text/plain")) == ("WEBP", None)
    assert (suffix_format(".JPG"), suffix_format(".gif")) == ("JPEG", None)


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_an_image_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(DamagedImage):
        check_image(png_of_header(*size))


def test_no_bytes_and_too_many_are_refused() -> None:
    with pytest.raises(DamagedImage, match="empty"):
        check_image(b"")
    with pytest.raises(ImageTooLarge, match="10,000,000 bytes"):
        check_image(saved(gradient()) + bytes(MAX_BYTES))


@pytest.mark.parametrize("side", [int(MAX_PIXELS**0.5) + 1, 10_000, 50_000, 2**31 - 1])
def test_too_many_pixels_are_refused_before_they_are_decoded(side: int) -> None:
    with pytest.raises(ImageTooLarge, match="25,000,000 pixels"):
        check_image(png_of_header(side, side))


def test_a_bomb_takes_no_memory() -> None:
    code = """
import resource, sys
from pipelines.data.images import check_image
from pipelines.errors import ImageTooLarge
bomb = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    check_image(bomb)
except ImageTooLarge:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    bomb = png_of_header(BOMB_SIDE, BOMB_SIDE, bytes((BOMB_SIDE + 1) * BOMB_SIDE))
    assert len(bomb) < 1_000_000
    done = subprocess.run([sys.executable, "-c", code], input=bomb, capture_output=True, check=True)
    assert int(done.stdout) < BOMB_KILOBYTES


def test_text_that_unpacks_without_end_is_refused() -> None:
    bomb = zlib.compress(bytes(50_000_000))
    body = b"zTXtComment\0\0" + bomb
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    content = saved(gradient())
    with pytest.raises(DamagedImage):
        check_image(content[:33] + chunk + content[33:])


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"]))
def test_no_bytes_do_anything_but_be_refused(junk: bytes, magic: bytes) -> None:
    with pytest.raises(HourglassError) as found:
        check_image(magic + junk)
    assert type(found.value) in (DamagedImage, UnsupportedImage, ImageTooLarge)


@given(st.data())
def test_a_changed_byte_gives_an_image_or_a_refusal(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP"]))
    content = bytearray(saved(gradient(size=(24, 16)), kind))
    for _ in range(3):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        kept = check_image(bytes(content))
    except (DamagedImage, UnsupportedImage, ImageTooLarge):
        return
    assert kept.width <= MAX_SIDE


def test_pixels_come_channel_by_channel_at_the_size_asked_for() -> None:
    kept = check_image(saved(Image.new("RGB", (6, 4), (10, 20, 30))))
    pixels = pixels_of(kept.content, (3, 2, 5))
    assert pixels.reshape(3, 10).tolist() == [[10] * 10, [20] * 10, [30] * 10]
    assert pixels_of(check_image(saved(gradient())).content, (1, 8, 12)).tolist() == values(
        gradient()
    )
