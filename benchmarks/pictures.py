"""A picture drawn in code, what each filter makes of it, and PNG files of both. No figures."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from models.convolution.filters import FILTERS, classic_filter, gaussian_blur
from models.convolution.operator import correlate
from models.convolution.pooling import max_pool, mean_pool
from models.convolution.sizes import Window

SIDE = 96
SEED = 1
ENLARGED = 2
"""Pixels a side for each pixel of a picture."""


def picture() -> Tensor:
    """A disc, a square, bars and a slanting line, with dots of dust, (SIDE, SIDE) in [0, 1]."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    drawn = 0.15 + 0.25 * columns / SIDE
    drawn[(rows - 28) ** 2 + (columns - 28) ** 2 < 18**2] = 0.9
    drawn[56:84, 14:42] = 0.7
    drawn[64:76, 22:34] = 0.3
    drawn[12:44, 56:88] = torch.where(columns % 8 < 2, 0.85, drawn)[12:44, 56:88]
    drawn[((rows + columns - 152).abs() < 2) & (columns > 54)] = 0.95
    dust = torch.randint(0, SIDE, (60, 2), generator=torch.Generator().manual_seed(SEED))
    drawn[dust[:, 0], dust[:, 1]] = 1.0
    return drawn


def filtered() -> dict[str, Tensor]:
    """The picture, and what each filter and each pool makes of it, by name."""
    drawn = picture()
    maps = {name: correlate(drawn, classic_filter(name)) for name in FILTERS}
    maps["blur-9x9"] = correlate(drawn, gaussian_blur(9, 2.0))
    quarters = Window(4, stride=4)
    pooled = {
        "max-pool-4x4": max_pool(drawn, quarters),
        "mean-pool-4x4": mean_pool(drawn, quarters),
    }
    return {"picture": drawn, **maps, **pooled}


def grey(values: Tensor) -> Tensor:
    """Whole numbers of 0 (black) to 255; where there are negative values, 0 becomes the middle."""
    low = float(values.min())
    if low < 0:
        values = 0.5 + values / (2 * values.abs().max())
    return (255 * values.clamp(0, 1)).round().to(torch.uint8)


def enlarge(values: Tensor, factor: int) -> Tensor:
    """Every pixel as a square of pixels."""
    return values.repeat_interleave(factor, 0).repeat_interleave(factor, 1)


def pictures() -> dict[str, Tensor]:
    """The pixels of each picture of `docs/pictures`, by name; a pooled one is enlarged more."""
    return {
        name: enlarge(grey(values), 4 * ENLARGED if "pool" in name else ENLARGED)
        for name, values in filtered().items()
    }


def write_pictures(folder: Path) -> None:
    """A grey PNG file of each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in pictures().items():
        image = Image.fromarray(pixels.numpy())
        image.save(folder / f"{name}.png", optimize=True)
