"""The ways in which rows are damaged in training. Not who is trained on them.

Vincent et al. 2010, "Stacked denoising autoencoders", sec. 3.3.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from models.errors import ConfigError, choice_error
from models.rows import Rows, only

CorruptionName = Literal["masking", "gaussian", "salt-and-pepper"]


def hide(values: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """Zero for each value with probability `rate`; what is left is scaled up, to the same mean."""
    kept = torch.rand(values.shape, generator=generator, device=values.device) >= rate
    return values * kept / (1 - rate)


def masking(x: Rows, rate: float, generator: torch.Generator) -> Rows:
    """Hide each entry with probability `rate` and scale up what is left. Of sparse rows the hidden
    ones are left out, so that nobody sums zeros.
    """
    if isinstance(x, Tensor):
        return hide(x, rate, generator)
    kept = torch.rand(x.values.shape, generator=generator, device=x.values.device) >= rate
    shown = only(x, kept)
    return replace(shown, values=shown.values / (1 - rate))


def gaussian(x: Rows, rate: float, generator: torch.Generator) -> Tensor:
    """Add noise of standard deviation `rate` to every entry, the unobserved too."""
    dense = x.to_dense()
    return dense + rate * torch.randn(dense.shape, generator=generator, device=dense.device)


def salt_and_pepper(x: Rows, rate: float, generator: torch.Generator) -> Tensor:
    """Set each entry, with probability `rate`, to the least or the greatest value of the batch,
    by the toss of a coin.
    """
    dense = x.to_dense()
    hit = torch.rand(dense.shape, generator=generator, device=dense.device) < rate
    heads = torch.rand(dense.shape, generator=generator, device=dense.device) < 0.5
    return torch.where(hit, torch.where(heads, dense.max(), dense.min()), dense)


CORRUPTIONS: dict[CorruptionName, Callable[[Rows, float, torch.Generator], Rows]] = {
    "masking": masking,
    "gaussian": gaussian,
    "salt-and-pepper": salt_and_pepper,
}


def damaged(
    x: Rows,
    read: Callable[[Rows], Rows],
    corruption: CorruptionName,
    rate: float,
    generator: torch.Generator,
) -> Rows:
    """The rows read and damaged. Entries are hidden from a row as it is read, so that what is left
    is, on average, as loud as the whole row at an answer; noise is added to the data, before.
    """
    damage = CORRUPTIONS[corruption]
    if corruption == "masking":
        return damage(read(x), rate, generator)
    return read(damage(x, rate, generator))


def check_corruption(name: str, rate: float) -> None:
    """Raise ConfigError unless the name is among CORRUPTIONS and the rate fits it."""
    if name not in CORRUPTIONS:
        raise choice_error("corruption", name, CORRUPTIONS)
    if name == "gaussian":
        if not 0 <= rate < float("inf"):
            detail = f"corruption_rate is {rate}; a standard deviation must not be negative."
            raise ConfigError("corruption_rate", detail)
    elif not 0 <= rate < 1:
        raise ConfigError("corruption_rate", f"corruption_rate is {rate}; it must be in [0, 1).")
