"""Fits a recogniser to pictures, or other rows, with labels. Not what a recogniser is.

The loop for networks that learn without labels is `fitting.py`; both take their optimisers from
there.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.augmentation import check_shift, flip, shift
from models.devices import DEVICES, DeviceName, Place, kept, within_memory
from models.errors import ConfigError
from models.fitting import OPTIMISERS, check_choices, check_optimisation
from models.precision import PRECISIONS, PrecisionName, precision
from models.recognition import Recogniser

WARM_UP = 0.3
"""Share of the steps in which one-cycle raises the learning rate."""


def constant(progress: float) -> float:
    """The learning rate as it is."""
    return 1.0


def one_cycle(progress: float) -> float:
    """From nothing straight up to the learning rate, then down to nothing along a cosine.

    After Smith 2018, "A disciplined approach to neural network hyper-parameters", sec. 4.
    """
    if progress < WARM_UP:
        return progress / WARM_UP
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


SCHEDULES: dict[str, Callable[[float], float]] = {"constant": constant, "one-cycle": one_cycle}
"""What share of the learning rate a step has, from the share of the steps that are done."""


@dataclass(frozen=True)
class SupervisedConfig:
    """How a recogniser is fitted to labels."""

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 2e-3
    """The highest that the schedule comes to."""
    weight_decay: float = 0.0
    """Decoupled for adamw, an L2 penalty for the others."""
    optimiser: Literal["sgd", "adamw", "nadam"] = "adamw"
    schedule: Literal["constant", "one-cycle"] = "one-cycle"
    shift: int = 0
    """Pixels by which each picture is moved at random, each way, every time it is seen."""
    flip: bool = False
    """Whether half of the pictures are mirrored, left to right, every time they are seen."""
    precision: PrecisionName = "float32"
    """Of filters and products; `auto`: bfloat16 where the device multiplies it itself."""
    device: DeviceName = "cpu"
    """Where it trains; `auto`: on the GPU where there is one."""

    def __post_init__(self) -> None:
        check_optimisation(self, at_least_one=("epochs", "batch_size"))
        check_choices(self, schedule=SCHEDULES, precision=PRECISIONS, device=DEVICES)
        check_shift(self.shift)


class SupervisedFitting:
    """One recogniser in training: run epochs, save and restore.

    Its network must be a module. All of the network's parameters that take a gradient move.
    Meanwhile the network is on the config's device; `leave_device` brings it back. Raises
    ConfigError for a GPU where there is none.
    """

    def __init__(
        self, recogniser: Recogniser, config: SupervisedConfig, *, generator: torch.Generator
    ) -> None:
        assert isinstance(recogniser.network, nn.Module)
        self._place = Place(config.device, recogniser.network, generator)
        self.network = recogniser.network
        self.generator = generator
        self.epochs_done = 0
        self._recogniser = recogniser
        self._config = config
        self._optimiser = OPTIMISERS[config.optimiser](
            [each for each in self.network.parameters() if each.requires_grad],
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
        )

    def run_epoch(self, x: Tensor, labels: Tensor) -> float:
        """All rows once, in a drawn order; leaves the network in evaluation mode.

        x: (n, channels, height, width), or (n, n_features) where pictures are neither moved nor
        mirrored; labels as `Recogniser.loss` reads them. Returns the mean loss. Raises
        FloatingPointError when it is no longer a number, ConfigError when the schedule is over or
        a GPU's memory does not hold what it takes.
        """
        self._check(x, labels)
        self.network.train()
        order = torch.randperm(len(x), generator=self.generator)
        batches = torch.split(order, self._config.batch_size)
        total = 0.0
        for number, batch in enumerate(batches):
            progress = (self.epochs_done + (number + 0.5) / len(batches)) / self._config.epochs
            some, right = (each[batch].to(self._place.device) for each in (x, labels))
            with within_memory(self._config.batch_size):
                total += len(batch) * self._step(progress, some, right)
        self.network.eval()
        self.epochs_done += 1
        if not math.isfinite(total):
            raise FloatingPointError("The loss is no longer finite; lower the learning rate.")
        return total / max(len(x), 1)

    def leave_device(self) -> None:
        """Bring the network back to the processor, and give the device's memory back; no epoch may
        follow.
        """
        self._optimiser.state.clear()
        self._place.leave()

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on; `restore` of it continues to the same weights, on
        the same device; on another with other numbers drawn.
        """
        return {
            "epochs_done": self.epochs_done,
            "network": kept(self.network.state_dict()),
            "optimiser": kept(self._optimiser.state_dict()),
            "generator": self.generator.get_state(),
            "drawing": self._place.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state."""
        self.epochs_done = state["epochs_done"]
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        # A state of before there were devices has none.
        self._place.restore(state.get("drawing", {}))

    def _check(self, x: Tensor, labels: Tensor) -> None:
        if self.epochs_done >= self._config.epochs:
            detail = f"All {self._config.epochs} epochs are done; give more, and begin anew."
            raise ConfigError("epochs", detail)
        if len(x) != len(labels):
            raise ConfigError("labels", f"There are {len(x)} rows and {len(labels)} labels.")
        if x.dim() != 4 and (self._config.shift or self._config.flip):
            detail = (
                "Only pictures, (n, channels, height, width), can be moved or mirrored; "
                "reshape them, or set shift to 0 and flip to false."
            )
            raise ConfigError("shift" if self._config.shift else "flip", detail)

    def _step(self, progress: float, x: Tensor, labels: Tensor) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = self._config.learning_rate * SCHEDULES[self._config.schedule](progress)
        self._optimiser.zero_grad()
        with precision(self._config.precision, self._place.device.type):
            terms = self._recogniser.loss(self._changed(x), labels, self._place.drawing)
        terms.total.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return float(terms.total.detach())

    def _changed(self, x: Tensor) -> Tensor:
        if self._config.shift:
            x = shift(x, self._config.shift, self._place.drawing)
        return flip(x, self._place.drawing) if self._config.flip else x


def fit_recogniser(
    recogniser: Recogniser,
    x: Tensor,
    labels: Tensor,
    config: SupervisedConfig,
    *,
    generator: torch.Generator,
    on_epoch: Callable[[int, float], None] = lambda number, loss: None,
) -> None:
    """Run all epochs; on_epoch hears how many are done, and the mean loss of the last one."""
    fitting = SupervisedFitting(recogniser, config, generator=generator)
    try:
        for number in range(config.epochs):
            on_epoch(number + 1, fitting.run_epoch(x, labels))
    finally:
        fitting.leave_device()
