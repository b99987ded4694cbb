"""Which images of the catalogue a run learns from, and at which size. Not how it learns."""

from dataclasses import dataclass

from models.errors import ConfigError

SIDES = (16, 28, 32, 48, 64)
"""Sides that are taken where a run leaves it open: the least that the images fit in."""
MAX_SIDE = 256


@dataclass(frozen=True)
class ImagesConfig:
    """The section `[images]` of a run on images."""

    category: str | None = None
    """Only items of this category; left out: every item with an image."""
    side: int | None = None
    """Pixels a side to which images are stretched; left out: 16 to 64, as large as they are."""
    channels: int | None = None
    """1: grey, 3: colour; left out: colour if any image has colour."""
    labels: bool = True
    """Whether to learn to tell categories."""

    def __post_init__(self) -> None:
        if self.channels not in (None, 1, 3):
            detail = f"channels is {self.channels}; it must be 1 (grey) or 3 (colour)."
            raise ConfigError("channels", detail)
        if self.side is not None and not 1 <= self.side <= MAX_SIDE:
            raise ConfigError("side", f"side is {self.side}; it must be from 1 to {MAX_SIDE}.")
