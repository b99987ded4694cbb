"""Changes of pictures that leave what they show: moved, mirrored, with parts hidden.

Pictures are (batch, channels, height, width). Not the damage that any rows can take, which is in
`autoencoders/corruption.py`.
"""

import torch
from torch import Tensor

from models.errors import ConfigError


def shift(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Each picture moved by up to `pixels` down or up and right or left; zeros come in."""
    count, _, height, width = images.shape
    padded = torch.nn.functional.pad(images, (pixels,) * 4)
    starts = torch.randint(0, 2 * pixels + 1, (2, count, 1), generator=generator)
    rows = starts[0] + torch.arange(height)  # (batch, height)
    columns = starts[1] + torch.arange(width)  # (batch, width)
    numbers = torch.arange(count)[:, None, None]
    # Indices around the channels put those last.
    moved = padded[numbers, :, rows[:, :, None], columns[:, None, :]]
    return moved.movedim(-1, 1)


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture mirrored left to right, or not, by the toss of a coin."""
    heads = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(heads[:, None, None, None], images.flip(3), images)


def hide_patches(images: Tensor, rate: float, side: int, generator: torch.Generator) -> Tensor:
    """Zero for each square of `side` pixels, in all channels, with probability `rate`.

    The squares tile the picture from its upper left corner; those at its far edges may be cut.
    """
    count, _, height, width = images.shape
    tiles = (count, 1, -(-height // side), -(-width // side))
    kept = (torch.rand(tiles, generator=generator) >= rate).to(images.dtype)
    kept = kept.repeat_interleave(side, 2).repeat_interleave(side, 3)
    return images * kept[:, :, :height, :width]


def check_shift(pixels: int) -> None:
    """Raise ConfigError unless it is a number of pixels."""
    if not isinstance(pixels, int) or pixels < 0:
        detail = f"shift is {pixels!r}; it must be a whole number of pixels, 0 or more."
        raise ConfigError("shift", detail)
