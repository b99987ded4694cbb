"""A few small autoencoders of one table, trained and scored together as one batched product.

The members share every step (their weights are one tensor a layer, their rows one batch) and
differ in their start and their noise; the levels of noise share the weights of a member. What
makes each an autoencoder is an objective of objectives.py, its layers are those of layers.py: of
rows that are windows of series they slide along time. Not a kind of the catalog: these see
standardised rows only, and of their answers only the errors count.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from models.autoencoders.base import LossTerms, Network, Pass, TrainingPhase
from models.detectors.batches import batch_size, chunks, n_epochs, shuffled
from models.detectors.layers import Flat, Layers, Sizes, Sliding
from models.detectors.objectives import OBJECTIVES, KindName
from models.errors import ConfigError, choice_error
from models.fitting import FitConfig, fit_all
from models.rows import Rows

LEARNING_RATE = 2e-3
LEAST = {"penalty_weight": 0, "n_members": 1, "width": 1, "n_draws": 1, "steps": 1, "epochs": 1}
"""What the options of the networks are at least."""


@dataclass(frozen=True)
class NetworksConfig:
    """The members, and how they are trained."""

    kind: KindName = "denoising"
    levels: tuple[float, ...] = (0.5, 1.0, 2.0)
    """denoising: standard deviations of the noise, rising, by the grain of the rows."""
    penalty_weight: float = 0.1
    """variational: beta; contractive: lambda."""
    n_members: int = 3
    width: int = 128
    """Of the hidden layers; a variational code has a quarter of it."""
    n_draws: int = 4
    """Noises under which a row that is scored is rebuilt at each level, the same for all rows."""
    steps: int = 800
    """Batches in training, at most."""
    epochs: int = 100
    """Times that each row is seen in training, at most: few rows would be learnt by heart."""
    window: tuple[int, int] | None = None
    """Positions and columns of rows that are windows of series; None: features have no order."""

    def __post_init__(self) -> None:
        if self.kind not in OBJECTIVES:
            raise choice_error("kind", self.kind, OBJECTIVES)
        rising = all(low < high for low, high in pairwise((0.0, *self.levels, math.inf)))
        if not self.levels or not rising:
            detail = "levels must be finite, above 0 and rise; at least one."
            raise ConfigError("levels", detail)
        for name, least in LEAST.items():
            value = getattr(self, name)
            if not least <= value < math.inf:
                detail = f"{name} is {value}; it must be finite and at least {least}."
                raise ConfigError(name, detail)


class RowNetworks(Network):
    """Members of (n_features) -> code -> (n_features), as one network.

    Buffers, so that what is saved scores as it did: levels (n_levels,); noise (n_draws, n_levels,
    n_members, 1, n_features); typical (n_levels,), the error of a typical training row; and of
    windows cells (n_features,), the cell that each feature is.
    """

    takes_dense = True
    levels: Tensor
    noise: Tensor
    typical: Tensor
    cells: Tensor | None

    def __init__(
        self,
        config: NetworksConfig,
        *,
        n_features: int,
        grain: float,
        generator: torch.Generator,
        cells: Tensor | None = None,
    ) -> None:
        super().__init__(n_features, "squared")
        self.config = config
        self.penalty_weight = config.penalty_weight
        self.objective = OBJECTIVES[config.kind]
        in_order = torch.arange(n_features) if cells is None else cells
        self.register_buffer("cells", in_order if config.window else None)
        n_members, width, copies = config.n_members, config.width, self.objective.code_copies
        code = width if copies == 1 else max(1, width // 4)
        sizes = Sizes(n_features, self.objective.n_told, width, code * copies, code)
        dims = self._layers.dims(sizes)
        self.weights = nn.ParameterList(_uniform(n_members, *dim, generator) for dim in dims)
        self.biases = nn.ParameterList(torch.zeros(n_members, 1, dim[1]) for dim in dims)
        levels = config.levels if config.kind == "denoising" else (1.0,)
        draws = config.n_draws if config.kind == "denoising" else 1
        self.register_buffer("levels", torch.tensor(levels) * grain)
        shape = (draws, len(levels), n_members, 1, n_features)
        self.register_buffer("noise", torch.randn(shape, generator=generator))
        self.register_buffer("typical", torch.ones(len(levels)))

    def encode(self, x: Tensor) -> Tensor:
        """(n_members, batch, n_features and what is told) -> (n_members, batch, code)."""
        return self._layers.encode(x, list(self.weights), list(self.biases))

    def decode(self, code: Tensor) -> Tensor:
        """(n_members, batch, code) -> (n_members, batch, n_features)."""
        return self._layers.decode(code, list(self.weights), list(self.biases))

    def loss(self, x: Rows, generator: torch.Generator) -> LossTerms:
        """Sum over the members of what a row costs them in the mean."""
        losses = self.objective.losses(self, self._for_members(x.to_dense()), generator)
        return LossTerms(losses.mean(dim=1).sum(), losses.new_zeros(()))

    def phases(self) -> tuple[TrainingPhase, ...]:
        """One: all members at once."""
        return (TrainingPhase("fit", (Pass(self.loss, tuple(self.parameters())),)),)

    def logits(self, x: Rows) -> Tensor:
        """The mean reconstruction at the lowest level of noise, (batch, n_features)."""
        rows = self._for_members(x.to_dense())
        rebuilt = [
            self.objective.rebuild(self, rows, self.levels[0], draw[0]).mean(dim=0)
            for draw in self.noise
        ]
        return torch.stack(rebuilt).mean(dim=0)

    def errors(self, x: Tensor) -> Tensor:
        """Squared error of each feature, (batch, n_features): the mean over the levels, each by
        what is typical there, the members and the draws of noise.
        """
        total = torch.zeros_like(x)
        for num, typical in enumerate(self.typical):
            total += self._errors_at(num, x) / typical
        return total / len(self.typical)

    def codes(self, x: Tensor) -> Tensor:
        """The code of each row without noise, members side by side: (batch, n_members * code)."""
        codes = self.objective.code(self, self._for_members(x))
        return codes.permute(1, 0, 2).flatten(1)

    def learn_typical(self, x: Tensor) -> None:
        """Set `typical` to the medians over the rows x (n_rows, n_features)."""
        for num in range(len(self.typical)):
            sums = torch.cat([self._errors_at(num, rows).sum(dim=1) for rows in chunks(x)])
            self.typical[num] = sums.median().clamp_min(1e-9)

    def _errors_at(self, num: int, x: Tensor) -> Tensor:
        rows = self._for_members(x)
        total = torch.zeros_like(x)
        for draw in self.noise:
            rebuilt = self.objective.rebuild(self, rows, self.levels[num], draw[num])
            total += (rebuilt - rows).square().mean(dim=0)
        return total / len(self.noise)

    def _for_members(self, x: Tensor) -> Tensor:
        return x.to(self.levels.dtype).expand(len(self.weights[0]), -1, -1)

    @property
    def _layers(self) -> Layers:
        if self.config.window is None:
            return Flat()
        assert self.cells is not None
        return Sliding(*self.config.window, self.cells)


def fit_networks(
    x: Tensor,
    config: NetworksConfig,
    *,
    grain: float,
    generator: torch.Generator,
    cells: Tensor | None = None,
    on_epoch: Callable[[int, int], object] = lambda _done, _total: None,
) -> RowNetworks:
    """Train on the rows x (n_rows, n_features) float64, in float32; what comes back is float64,
    so that a row's errors are its own in any batch.

    cells: of windows, the cell that each feature is; None: each is one, in order.
    on_epoch: told how many epochs are done, of how many; what it raises ends the training.
    """
    networks = RowNetworks(
        config, n_features=x.shape[1], grain=grain, generator=generator, cells=cells
    )
    rows = x.float()
    fit = FitConfig(
        epochs=n_epochs(len(x), steps=config.steps, epochs=config.epochs),
        batch_size=batch_size(len(x)),
        learning_rate=LEARNING_RATE,
    )
    epochs = itertools.count()

    def batches() -> Iterator[Tensor]:
        on_epoch(next(epochs), fit.epochs)
        return shuffled(rows, generator)

    fit_all(networks, fit, batches, generator=generator)
    networks.double()
    with torch.inference_mode():
        networks.learn_typical(x)
    return networks


def _uniform(n_members: int, n_in: int, n_out: int, generator: torch.Generator) -> Tensor:
    """Uniform in +-1 / sqrt(n_in), as torch's linear layers start."""
    bound = 1 / math.sqrt(n_in)
    return (2 * torch.rand(n_members, n_in, n_out, generator=generator) - 1) * bound
