"""Which images train, which stop the training, and which judge what came of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.autoencoders.base import Network
from models.devices import anywhere
from models.rows import unit_values
from pipelines.data.splits import held_out_count
from pipelines.images.catalogue import ImageRows

MIN_IMAGES = 50
"""With fewer, all train and nobody judges."""
AT_ONCE = 256
"""Images that go through a network together."""

Pixels = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ImageSplit:
    """Numbers of images for each part, sorted; no numbers where nobody judges."""

    rows: ImageRows
    train: Pixels
    validation: Pixels
    test: Pixels

    def pixels(self, part: Pixels) -> Pixels:
        """Those of a part, (n, n_pixels) uint8: a quarter of what networks read."""
        return self.rows.pixels[part]


def split_images(rows: ImageRows, seed: int) -> ImageSplit:
    """Hold out a tenth for validation and a tenth for test, each rounded to the nearest ten."""
    n = len(rows.item_ids)
    n_held_out = max(10, held_out_count(n)) if n >= MIN_IMAGES else 0
    order = np.random.default_rng(seed).permutation(n)
    validation, test, train = np.split(order, [n_held_out, 2 * n_held_out])
    return ImageSplit(rows, np.sort(train), np.sort(validation), np.sort(test))


def as_rows(pixels: Pixels) -> Tensor:
    """(n, n_pixels) uint8 -> (n, n_pixels) float32 in [0, 1]: what networks read."""
    return unit_values(torch.from_numpy(pixels))


def squared_errors(rebuild: Callable[[Tensor], Tensor], pixels: Pixels) -> Pixels:
    """Mean over the pixels of (pixel - reconstruction)^2 of each image, (n,).

    pixels: (n, n_pixels) uint8. Memory: the float32 numbers of AT_ONCE images.
    """
    errors = [np.zeros(0)]
    with torch.inference_mode():
        for start in range(0, len(pixels), AT_ONCE):
            some = as_rows(pixels[start : start + AT_ONCE])
            errors.append((some - rebuild(some)).double().square().mean(dim=1).numpy())
    return np.concatenate(errors)


class ImageExamples:
    """A split as what a fit learns from (`pipelines/training/examples.py`)."""

    def __init__(self, split: ImageSplit) -> None:
        self._split = split
        self.n_items = split.rows.pixels.shape[1]
        self.judged = len(split.validation) > 0

    def rows(self) -> Tensor:
        """All of them as bytes."""
        return torch.from_numpy(self._split.pixels(self._split.train))

    def n_rows(self, network: Network) -> int:
        return len(self._split.train)

    def batches(
        self, network: Network, batch_size: int, generator: torch.Generator
    ) -> Iterator[Tensor]:
        order = torch.randperm(len(self._split.train), generator=generator)
        for some in torch.split(order, batch_size):
            yield as_rows(self._split.pixels(self._split.train[some.numpy()]))

    def worth(self, network: Network) -> float:
        """Minus the mean squared error on the validation images."""
        pixels = self._split.pixels(self._split.validation)
        return -float(squared_errors(anywhere(network, network.reconstruct), pixels).mean())
