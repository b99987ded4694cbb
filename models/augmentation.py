"""Changes of pictures that leave what they show: moved, mirrored, lit otherwise.

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
    device = images.device
    starts = torch.randint(0, 2 * pixels + 1, (2, count, 1), generator=generator, device=device)
    rows = starts[0] + torch.arange(height, device=device)  # (batch, height)
    columns = starts[1] + torch.arange(width, device=device)  # (batch, width)
    numbers = torch.arange(count, device=device)[:, None, None]
    # Indices around the channels put those last.
    moved = padded[numbers, :, rows[:, :, None], columns[:, None, :]]
    return moved.movedim(-1, 1)


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture mirrored left to right, or not, by the toss of a coin."""
    heads = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    return torch.where(heads[:, None, None, None], images.flip(3), images)


def relight(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Each picture times a factor of its own between exp(-strength) and exp(strength)."""
    drawn = torch.rand(len(images), generator=generator, device=images.device)
    factors = ((2 * drawn.to(images.dtype) - 1) * strength).exp()
    return images * factors[:, None, None, None]


def check_shift(pixels: int) -> None:
    """Raise ConfigError unless it is a number of pixels."""
    if not isinstance(pixels, int) or pixels < 0:
        detail = f"shift is {pixels!r}; it must be a whole number of pixels, 0 or more."
        raise ConfigError("shift", detail)
