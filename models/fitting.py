"""The training loop. It fits any network to batches it is handed, phase by phase.

It knows phases, optimisers, epochs and the device; it knows neither the kinds, nor where batches
come from, nor when to stop: the caller looks at each epoch and decides. What is solved in closed
form is solved on the processor, outside of it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from models.autoencoders.base import Network, Pass, TrainingPhase
from models.devices import DEVICES, DeviceName, Place, kept, within_memory
from models.errors import ConfigError, choice_error
from models.precision import PRECISIONS, PrecisionName, precision
from models.rows import Rows, SparseRows

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adamw": partial(torch.optim.AdamW, fused=True),
    "nadam": torch.optim.NAdam,
}

Batches = Callable[[], Iterable[Rows]]
"""Gives all training rows once, each time it is called."""


@dataclass(frozen=True)
class FitConfig:
    """How a network is fitted."""

    epochs: int = 100
    """Epochs of the last phase, at most."""
    batch_size: int = 500
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    """Decoupled for adamw (Loshchilov & Hutter 2019), an L2 penalty for the others."""
    optimiser: Literal["sgd", "adamw", "nadam"] = "adamw"
    patience: int = 10
    """Epochs without a better validation score after which training stops."""
    threads: int = 1
    """Of the arithmetic. More pay on large data; another number gives other last digits."""
    precision: PrecisionName = "float32"
    """Of the products of layers; `auto`: bfloat16 where the device multiplies it itself."""
    device: DeviceName = "cpu"
    """Where it trains; `auto`: the GPU where there is one. Closed forms are the processor's."""

    def __post_init__(self) -> None:
        check_choices(self, precision=PRECISIONS, device=DEVICES)
        check_optimisation(self, at_least_one=("epochs", "batch_size", "patience", "threads"))


def check_choices(config: Any, **choices: Collection[str]) -> None:
    """Raise ConfigError unless each field named is among its choices."""
    for name, known in choices.items():
        if getattr(config, name) not in known:
            raise choice_error(name, getattr(config, name), known)


def check_optimisation(config: Any, *, at_least_one: Sequence[str]) -> None:
    """Raise ConfigError unless its optimiser, learning_rate and weight_decay can be used, and the
    fields named are at least 1.
    """
    check_choices(config, optimiser=OPTIMISERS)
    for name in at_least_one:
        if getattr(config, name) < 1:
            raise ConfigError(name, f"{name} is {getattr(config, name)}; it must be at least 1.")
    if not config.learning_rate > 0:
        raise ConfigError("learning_rate", "learning_rate must be above 0.")
    if not config.weight_decay >= 0:
        raise ConfigError("weight_decay", "weight_decay must not be negative.")


@dataclass(frozen=True)
class EpochLoss:
    """The mean loss over an epoch's rows, in its named parts."""

    reconstruction: float
    penalty: float


class Fitting:
    """One network in training: run epochs, go on to the next phase, save and restore.

    Meanwhile the network is on the config's device; `leave_device` brings it back. Raises
    ConfigError for a GPU where there is none.
    """

    def __init__(self, network: Network, config: FitConfig, *, generator: torch.Generator) -> None:
        self._place = Place(config.device, network, generator)
        self.network = network
        self.generator = generator
        """Draws what is drawn on the processor, such as the order of rows."""
        self._config = config
        self._phases = network.phases()
        self._begin(0)

    @property
    def phase(self) -> TrainingPhase:
        """The phase in which the next epoch falls."""
        return self._phases[self._phase_num]

    @property
    def in_last_phase(self) -> bool:
        return self._phase_num == len(self._phases) - 1

    def next_phase(self) -> None:
        """Leave the phase; its optimisers are forgotten."""
        if self.phase.end is not None:
            self.phase.end()
        self._begin(self._phase_num + 1)

    def run_epoch(self, batches: Batches) -> EpochLoss:
        """Every pass of the phase over all batches; leaves the network in evaluation mode.

        The loss is that of the last pass. Raises FloatingPointError when it is no longer a number,
        ConfigError when a GPU's memory does not hold what it takes.
        """
        self.network.train()
        for each, optimiser in zip(self.phase.passes, self._optimisers, strict=True):
            alone = _only_gradients_of(each.parameters, self.network)
            with alone, within_memory(self._config.batch_size):
                loss = self._run_pass(each, optimiser, batches)
        self.network.eval()
        return loss

    def leave_device(self) -> None:
        """Bring the network back to the processor, and give the device's memory back; no epoch may
        follow.
        """
        self._optimisers: list[torch.optim.Optimizer] = []
        self._place.leave()

    def weights(self) -> dict[str, Any]:
        """The network's tensors as they are now, on the processor."""
        weights: dict[str, Any] = kept(self.network.state_dict())
        return weights

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on; `restore` of it continues to the same weights.

        Its tensors are on the processor. Of another device it can be restored too, but goes on
        with other numbers drawn.
        """
        return {
            "phase_num": self._phase_num,
            "network": self.weights(),
            "optimisers": [kept(each.state_dict()) for each in self._optimisers],
            "generator": self.generator.get_state(),
            "drawing": self._place.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state."""
        self.network.load_state_dict(state["network"])
        self._begin(state["phase_num"])
        for optimiser, saved in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.generator.set_state(state["generator"])
        # A state of before there were devices has none.
        self._place.restore(state.get("drawing", {}))

    def precision(self) -> AbstractContextManager[object]:
        """Within it the network reckons as in training."""
        return precision(self._config.precision, self._place.device.type)

    def _begin(self, phase_num: int) -> None:
        self._phase_num = phase_num
        make = partial(
            OPTIMISERS[self._config.optimiser],
            lr=self._config.learning_rate,
            weight_decay=self._config.weight_decay,
        )
        self._optimisers = [make(each.parameters) for each in self.phase.passes]

    def _run_pass(
        self, each: Pass, optimiser: torch.optim.Optimizer, batches: Batches
    ) -> EpochLoss:
        if each.begin is not None:
            each.begin()
        sums = torch.zeros(2, dtype=torch.float64, device=self._place.device)
        n_rows = 0
        for _ in range(each.times):
            for batch in batches():
                self.network.check(batch)
                sums += len(batch) * self._step(each, optimiser, batch.to(self._place.device))
                n_rows += len(batch)
        if not torch.isfinite(sums).all():
            raise FloatingPointError("The loss is no longer finite; lower the learning rate.")
        reconstruction, penalty = (sums / max(n_rows, 1)).tolist()
        return EpochLoss(reconstruction, penalty)

    def _step(self, each: Pass, optimiser: torch.optim.Optimizer, batch: Rows) -> torch.Tensor:
        optimiser.zero_grad()
        with self.precision():
            terms = each.loss(batch, self._place.drawing)
        terms.total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return torch.stack([terms.reconstruction.detach(), terms.penalty.detach()]).double()


@contextmanager
def _only_gradients_of(parameters: Iterable[nn.Parameter], network: Network) -> Iterator[None]:
    """All other parameters are constants meanwhile: their gradients would be work for nothing."""
    moving = {id(parameter) for parameter in parameters}
    still = [p for p in network.parameters() if p.requires_grad and id(p) not in moving]
    for parameter in still:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in still:
            parameter.requires_grad_(True)


def fit_all(
    network: Network,
    config: FitConfig,
    batches: Batches,
    *,
    generator: torch.Generator,
    rows: SparseRows | None = None,
) -> None:
    """Run every phase to its end, the last for all of the config's epochs: nobody judges.

    rows: all rows of users, for the kinds that prepare or solve; batches are of items for those
    that train on items.
    """
    if rows is not None:
        network.prepare(rows)
    if network.phases():
        fitting = Fitting(network, config, generator=generator)
        try:
            _run_phases(fitting, config, batches)
        finally:
            fitting.leave_device()
    if rows is not None:
        network.solve(rows)


def _run_phases(fitting: Fitting, config: FitConfig, batches: Batches) -> None:
    while not fitting.in_last_phase:
        for _ in range(fitting.phase.epochs or 0):
            fitting.run_epoch(batches)
        fitting.next_phase()
    for _ in range(config.epochs):
        fitting.run_epoch(batches)
