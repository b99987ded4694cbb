"""The training loop. It fits any network that returns LossTerms to batches it is handed.

It knows optimisers and epochs; it knows neither the kinds, nor where batches come from, nor when
to stop: the caller looks at each epoch and decides.
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch

from models.autoencoders.base import Autoencoder
from models.errors import ConfigError, choice_error
from models.rows import SparseRows

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adamw": partial(torch.optim.AdamW, fused=True),
}


@dataclass(frozen=True)
class FitConfig:
    """How a network is fitted."""

    epochs: int = 100
    """Passes over the training rows, at most."""
    batch_size: int = 500
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    """Decoupled for adamw (Loshchilov & Hutter 2019), an L2 penalty for sgd."""
    optimiser: Literal["sgd", "adamw"] = "adamw"
    patience: int = 10
    """Epochs without a better validation score after which training stops."""

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise choice_error("optimiser", self.optimiser, OPTIMISERS)
        for name in ("epochs", "batch_size", "patience"):
            if getattr(self, name) < 1:
                raise ConfigError(name, f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not self.learning_rate > 0:
            raise ConfigError("learning_rate", "learning_rate must be above 0.")
        if self.weight_decay < 0:
            raise ConfigError("weight_decay", "weight_decay must not be negative.")


@dataclass(frozen=True)
class EpochLoss:
    """The mean loss over an epoch's rows, in its named parts."""

    reconstruction: float
    penalty: float


class Fitting:
    """One network in training: run epochs, save and restore between them."""

    def __init__(
        self, network: Autoencoder, config: FitConfig, *, generator: torch.Generator
    ) -> None:
        self.network = network
        self.generator = generator
        self.optimiser = OPTIMISERS[config.optimiser](
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    def run_epoch(self, batches: Iterable[SparseRows]) -> EpochLoss:
        """One pass over the batches; leaves the network in evaluation mode.

        Raises FloatingPointError when the loss is no longer a number.
        """
        self.network.train()
        sums = torch.zeros(2, dtype=torch.float64)
        n_rows = 0
        for batch in batches:
            sums += len(batch) * self._step(batch)
            n_rows += len(batch)
        self.network.eval()
        reconstruction, penalty = (sums / max(n_rows, 1)).tolist()
        if not torch.isfinite(sums).all():
            raise FloatingPointError("The loss is no longer finite; lower the learning rate.")
        return EpochLoss(reconstruction, penalty)

    def _step(self, batch: SparseRows) -> torch.Tensor:
        self.optimiser.zero_grad()
        terms = self.network.loss(batch, self.generator)
        terms.total.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return torch.stack([terms.reconstruction.detach(), terms.penalty.detach()]).double()

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on; `restore` of it continues to the same weights."""
        return {
            "network": deepcopy(self.network.state_dict()),
            "optimiser": deepcopy(self.optimiser.state_dict()),
            "generator": self.generator.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
