"""Small pictures as files: of circles and bars, which a network can tell apart."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 16


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The image as a file of that kind."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(shade: int = 128, size: tuple[int, int] = (SIDE, SIDE)) -> bytes:
    """A PNG file of one shade of grey."""
    return saved(Image.new("L", size, shade))


def drawn(shape: str, rng: np.random.Generator) -> Image.Image:
    """A white `circle` or upright `bar` somewhere on black."""
    x, y = rng.uniform(5, SIDE - 5, size=2)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    far = np.hypot(rows - y, columns - x) if shape == "circle" else abs(columns - x) * 2
    return Image.fromarray((255 * np.clip(4.5 - far, 0, 1)).astype(np.uint8))


def write_folder(folder: Path, *, n: int, seed: int = 0) -> None:
    """`n` circles and `n` bars, each kind in a folder of its own."""
    rng = np.random.default_rng(seed)
    for shape in ("circle", "bar"):
        (folder / shape).mkdir(parents=True)
        for num in range(n):
            (folder / shape / f"{num:03}.png").write_bytes(saved(drawn(shape, rng)))
