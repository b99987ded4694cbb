"""Small pictures as files: of circles and bars, which a network can tell apart."""

import gzip
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


def write_fashion(folder: Path) -> None:
    """A folder as that of Fashion-MNIST, with noise for pictures, ten of each class."""
    rng = np.random.default_rng(0)
    labels = np.arange(100, dtype=np.uint8) % 10
    images = rng.integers(0, 256, (100, 28, 28), dtype=np.uint8)
    for part in ("train", "t10k"):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)


def write_idx(path: Path, values: np.ndarray) -> None:
    """Bytes as a gzipped IDX file."""
    shape = np.array(values.shape, dtype=">u4").tobytes()
    path.write_bytes(gzip.compress(bytes([0, 0, 8, values.ndim]) + shape + values.tobytes()))
