"""What a training tells of itself while it goes on. Not who listens."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Where a training is: `done` of `total` steps, in which phase, and the last figures."""

    phase: str
    done: int
    total: int
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    metric: float | None = None


OnProgress = Callable[[Progress], None]
"""Called at least once a batch; what it raises ends the training."""
