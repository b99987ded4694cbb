"""What a network makes of an image, as PNG files. Draws; judges nothing."""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pipelines.data.images import pixels_of, png_of
from pipelines.images.artifact import ImageArtifact
from pipelines.images.split import as_rows

GAP = 2
"""Pixels between two maps of a grid."""
TILE = 32
"""Pixels a side that a map of a grid is enlarged to at least, by a whole factor."""


def rebuilt(artifact: ImageArtifact, contents: Sequence[bytes]) -> tuple[Tensor, Tensor]:
    """The images as the network reads them and their reconstructions, both
    (n, channels, height, width).
    """
    rows = as_rows(np.stack([pixels_of(content, artifact.shape) for content in contents]))
    with torch.inference_mode():
        reconstruction = artifact.network.reconstruct(rows)
    return rows.reshape(-1, *artifact.shape), reconstruction.reshape(-1, *artifact.shape)


def picture(values: Tensor, size: tuple[int, int]) -> bytes:
    """(channels, height, width) in [0, 1] as a PNG file of that size, (width, height)."""
    levels = (values.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    image = Image.fromarray(levels[:, :, 0] if levels.shape[2] == 1 else levels)
    return png_of(image.resize(size, Image.Resampling.BILINEAR))


def feature_maps(artifact: ImageArtifact, content: bytes) -> dict[str, Tensor]:
    """The maps of each layer, (n_maps, height, width), in the order of the layers."""
    network = artifact.network
    row = as_rows(pixels_of(content, artifact.shape)[None])
    with torch.inference_mode():
        found = network.encoder.feature_maps(row.reshape(1, *artifact.shape))
        return {name: maps[0] for name, maps in found}


def grid(maps: Tensor) -> bytes:
    """All maps beside each other, each from its least value (black) to its largest (white)."""
    n, height, width = maps.shape
    low, high = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    levels = ((maps - low) / (high - low).clamp_min(1e-12) * 255).round().to(torch.uint8).numpy()
    factor = max(1, ceil(TILE / max(height, width)))
    tiles = levels.repeat(factor, axis=1).repeat(factor, axis=2)
    n_columns = ceil(sqrt(n))
    step_down, step_right = height * factor + GAP, width * factor + GAP
    page = np.full((ceil(n / n_columns) * step_down + GAP, n_columns * step_right + GAP), 64)
    for num, tile in enumerate(tiles):
        top, left = num // n_columns * step_down + GAP, num % n_columns * step_right + GAP
        page[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return png_of(Image.fromarray(page.astype(np.uint8)))
