"""An autoencoder that sets pictures upright: what knows its pictures knows how they were displaced.

A picture is turned by a quarter, a half or three quarters, or mirrored or moved besides, and the
network gives it back as it was, and names what was done. Pictures of a kind that it has never seen
are set upright worse. Restoring is the task of Ye et al. 2020 ("Attribute restoration"), naming
that of Golan & El-Yaniv 2018 (GEOM); here one code serves both. Not how pictures are prepared.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.autoencoders.base import LossTerms, Network, Pass, TrainingPhase
from models.detectors.batches import batch_size, n_epochs, shuffled
from models.encoders.initialise import initialise
from models.fitting import FitConfig, fit_all
from models.rows import Rows

SIDE = 32
"""Larger pictures are seen smaller, at most so many pixels each way."""
MOVED = 0.2
"""Share of the side by which a picture is moved."""
MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
TURNS = 4
N_WAYS = TURNS * len(MOVES)
"""Ways in which a picture is displaced: each turn with each move; the first leaves it as it is."""
CHUNK = 256
"""Pictures that are scored together."""


@dataclass(frozen=True)
class RestoringConfig:
    """The network, and how long it trains."""

    width: int = 16
    """Maps of the first layer; twice and four times as many after it."""
    code: int = 64
    steps: int = 800
    """Batches in training, at most."""
    epochs: int = 40
    """Times that each picture is seen in training, at most."""
    restoring_weight: float = 20.0
    """What the mean squared error of restored pixels counts beside the nats of naming."""


class RestoringNetwork(Network):
    """Pictures (batch, n_pixels) of one shape (channels, height, width) -> code -> pixels as they
    were, of a square seen of them, and logits of ways.
    """

    takes_dense = True

    def __init__(
        self,
        config: RestoringConfig,
        *,
        shape: tuple[int, int, int],
        generator: torch.Generator,
    ) -> None:
        super().__init__(math.prod(shape), "squared")
        channels, side = shape[0], min(SIDE, *shape[1:])
        n_seen = channels * side * side
        self.config, self.shape, self.side = config, shape, side
        maps = (channels, config.width, 2 * config.width, 4 * config.width)
        left = math.ceil(math.ceil(math.ceil(side / 2) / 2) / 2)
        layers: list[nn.Module] = []
        with torch.device("meta"):
            for n_in, n_out, size in zip(maps[:-1], maps[1:], (5, 3, 3), strict=True):
                layers += [
                    nn.Conv2d(n_in, n_out, size, stride=2, padding=size // 2),
                    nn.BatchNorm2d(n_out),
                    nn.ReLU(),
                ]
            flat = nn.Linear(maps[-1] * left * left, config.code)
            self.encoder = nn.Sequential(*layers, nn.Flatten(), flat, nn.ReLU())
            wide = 4 * config.code
            self.decoder = nn.Sequential(
                nn.Linear(config.code, wide), nn.ReLU(), nn.Linear(wide, n_seen)
            )
            self.naming = nn.Linear(config.code, N_WAYS)
        self.to_empty(device="cpu")
        initialise(self, generator)

    def logits(self, x: Rows) -> Tensor:
        """What a picture that is not displaced is restored to, (batch, n_pixels)."""
        restored: Tensor = self.decoder(self.encoder(self._pictures(x.to_dense())))
        return restored

    def loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        """Of each picture displaced in one way, drawn."""
        pictures = self._pictures(x.to_dense())
        ways = torch.randint(N_WAYS, (len(pictures),), generator=generator)
        moved = torch.empty_like(pictures)
        for way in range(N_WAYS):
            chosen = ways == way
            moved[chosen] = displaced(pictures[chosen], way)
        code = self.encoder(moved)
        error = (self.decoder(code) - pictures.flatten(1)).square().mean()
        named = nn.functional.cross_entropy(self.naming(code), ways)
        return LossTerms(error * self.config.restoring_weight, named)

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One."""
        return (TrainingPhase("fit", (Pass(self.loss, tuple(self.parameters())),)),)

    def codes(self, x: Tensor) -> Tensor:
        """The codes of pictures as they are, (n, code) float64."""
        with torch.inference_mode():
            parts = [self.encoder(self._pictures(chunk)) for chunk in torch.split(x, CHUNK)]
        return torch.cat(parts).double()

    def judged(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Squared errors of restored pixels (n, n_pixels), and the nats that naming costs, (n,):
        means over all ways of displacing the pictures x (n, n_pixels).
        """
        with torch.inference_mode():
            parts = [self._judged(self._pictures(chunk)) for chunk in torch.split(x, CHUNK)]
        errors, nats = zip(*parts, strict=True)
        return self._spread(torch.cat(errors).double()), torch.cat(nats).double()

    def _judged(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        errors = torch.zeros_like(pictures).flatten(1)
        nats = torch.zeros(len(pictures), dtype=pictures.dtype)
        for way in range(N_WAYS):
            code = self.encoder(displaced(pictures, way))
            errors += (self.decoder(code) - pictures.flatten(1)).square()
            nats -= torch.log_softmax(self.naming(code), dim=1)[:, way]
        return errors / N_WAYS, nats / N_WAYS

    def _pictures(self, x: Tensor) -> Tensor:
        """Squares of `side`, (n, channels, side, side)."""
        pictures = x.to(self.naming.weight.dtype).reshape(len(x), *self.shape)
        square = (self.side, self.side)
        if self.shape[1:] == square:
            return pictures
        return nn.functional.adaptive_avg_pool2d(pictures, square)

    def _spread(self, errors: Tensor) -> Tensor:
        """Errors of the square (n, n_seen) over the pixels it stands for, with the same sum."""
        square = errors.reshape(len(errors), self.shape[0], self.side, self.side)
        if self.shape[1:] == square.shape[2:]:
            return errors
        wide = nn.functional.interpolate(square, self.shape[1:], mode="nearest").flatten(1)
        return wide * (errors.sum(dim=1) / wide.sum(dim=1).clamp_min(1e-30))[:, None]


def displaced(pictures: Tensor, way: int) -> Tensor:
    """Square pictures (n, channels, side, side) moved, zeros coming in, and turned."""
    turns, move = way % TURNS, MOVES[way // TURNS]
    side = pictures.shape[-1]
    far = max(1, round(MOVED * side))
    down, right = (far + far * each for each in move)
    padded = nn.functional.pad(pictures, (far,) * 4)
    return torch.rot90(padded[:, :, down : down + side, right : right + side], turns, (2, 3))


def fit_restoring(
    x: Tensor,
    config: RestoringConfig,
    *,
    shape: tuple[int, int, int],
    generator: torch.Generator,
    on_epoch: Callable[[int, int], object] = lambda _done, _total: None,
) -> RestoringNetwork:
    """Train on the pictures x (n, n_pixels), each of that shape; at least two.

    on_epoch: told how many epochs are done, of how many; what it raises ends the training.
    """
    network = RestoringNetwork(config, shape=shape, generator=generator)
    rows = x.float()
    fit = FitConfig(
        epochs=n_epochs(len(x), steps=config.steps, epochs=config.epochs),
        batch_size=batch_size(len(x)),
        learning_rate=2e-3,
    )
    epochs = itertools.count()

    def batches() -> Iterator[Tensor]:
        on_epoch(next(epochs), fit.epochs)
        return shuffled(rows, generator, least=2)  # one alone has no variance to be normalised by

    fit_all(network, fit, batches, generator=generator)
    return network
