"""What makes small autoencoders of one kind: how rows are damaged, and what a code may not do.

Shapes: rows (n_members, batch, n_features), losses (n_members, batch). Not the layers.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

KindName = Literal["denoising", "variational", "contractive"]

STEP = 0.1
"""Length, in each feature, of the step by which `contractive` feels how fast the code moves."""


class Halves(Protocol):
    """The two halves of the members, and the levels of noise that they know, (n_levels,)."""

    levels: Tensor
    penalty_weight: float

    def encode(self, x: Tensor) -> Tensor: ...

    def decode(self, code: Tensor) -> Tensor: ...


class Objective(Protocol):
    """How a row is rebuilt in training and in scoring."""

    @property
    def n_told(self) -> int:
        """Inputs besides the features of the row."""
        ...

    @property
    def code_copies(self) -> int:
        """What the encoder gives, by the width of the code."""
        ...

    def code(self, halves: Halves, x: Tensor) -> Tensor:
        """The code, without noise."""
        ...

    def losses(self, halves: Halves, x: Tensor, generator: torch.Generator) -> Tensor:
        """What each row costs in training, (n_members, batch)."""
        ...

    def rebuild(self, halves: Halves, x: Tensor, level: Tensor, noise: Tensor) -> Tensor:
        """Rows rebuilt under a level of noise and a draw of it, the same for all rows."""
        ...


def _noise_like(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=generator, dtype=x.dtype)


@dataclass(frozen=True)
class Denoising:
    """Rebuild a row from itself with normal noise, of levels that the network is told.

    Vincent et al. 2010; several levels as in diffusion (DDAE, Sattarov et al. 2025). Input and
    output are scaled as by Karras et al. 2022 (table 1, "EDM", data of deviation 1), so that the
    network has the same to do at every level: with y = x + s e,
    x_hat = y / (1 + s^2) + s / sqrt(1 + s^2) F(y / sqrt(1 + s^2), log(s) / 2).
    """

    n_told: int = 1
    code_copies: int = 1

    def code(self, halves: Halves, x: Tensor) -> Tensor:
        return torch.relu(halves.encode(self._told(x, halves.levels[0].expand(*x.shape[:2], 1))))

    def losses(self, halves: Halves, x: Tensor, generator: torch.Generator) -> Tensor:
        low, high = halves.levels[0].log(), halves.levels[-1].log()
        drawn = torch.rand(*x.shape[:2], 1, generator=generator, dtype=x.dtype)
        level = (low + (high - low) * drawn).exp()
        rebuilt = self.rebuild(halves, x, level, _noise_like(x, generator))
        weight = (1 + level.square()) / level.square()
        return (weight * (rebuilt - x).square()).mean(dim=2)

    def rebuild(self, halves: Halves, x: Tensor, level: Tensor, noise: Tensor) -> Tensor:
        damaged = x + level * noise
        size = 1 + level.square()
        code = torch.relu(halves.encode(self._told(damaged, level.expand(*x.shape[:2], 1))))
        return damaged / size + level * size.rsqrt() * halves.decode(code)

    def _told(self, x: Tensor, level: Tensor) -> Tensor:
        return torch.cat([x * (1 + level.square()).rsqrt(), level.log() / 2], dim=2)


@dataclass(frozen=True)
class Variational:
    """The code is a normal draw, kept near N(0, 1) by beta KL (Kingma & Welling 2014)."""

    n_told: int = 0
    code_copies: int = 2

    def code(self, halves: Halves, x: Tensor) -> Tensor:
        return halves.encode(x).chunk(2, dim=2)[0]

    def losses(self, halves: Halves, x: Tensor, generator: torch.Generator) -> Tensor:
        mu, logvar = halves.encode(x).chunk(2, dim=2)
        rebuilt = halves.decode(mu + (0.5 * logvar).exp() * _noise_like(mu, generator))
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(dim=2)
        errors = (rebuilt - x).square().sum(dim=2)
        return (errors + halves.penalty_weight * kl) / x.shape[2]

    def rebuild(self, halves: Halves, x: Tensor, level: Tensor, noise: Tensor) -> Tensor:
        return halves.decode(self.code(halves, x))


@dataclass(frozen=True)
class Contractive:
    """The code may not move fast: lambda ||J||^2 is added (Rifai et al. 2011).

    ||J||^2 is felt in one random direction v a row, of signs: |f(x + s v) - f(x)|^2 / s^2.
    """

    n_told: int = 0
    code_copies: int = 1

    def code(self, halves: Halves, x: Tensor) -> Tensor:
        return torch.sigmoid(halves.encode(x))

    def losses(self, halves: Halves, x: Tensor, generator: torch.Generator) -> Tensor:
        signs = 2.0 * torch.randint(0, 2, x.shape, generator=generator) - 1.0
        code = self.code(halves, x)
        slope = (self.code(halves, x + STEP * signs) - code).square().sum(dim=2) / STEP**2
        errors = (halves.decode(code) - x).square().sum(dim=2)
        return (errors + halves.penalty_weight * slope) / x.shape[2]

    def rebuild(self, halves: Halves, x: Tensor, level: Tensor, noise: Tensor) -> Tensor:
        return halves.decode(self.code(halves, x))


OBJECTIVES: dict[KindName, Objective] = {
    "denoising": Denoising(),
    "variational": Variational(),
    "contractive": Contractive(),
}
