"""What an interrupted fit goes on from. Not where that is kept: `pipelines/runs/files.py`.

Between any two epochs all that the rest depends on is a Checkpoint: a fit that goes on from one
ends with the very weights of a fit that was never interrupted.
"""

from dataclasses import dataclass
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to; the metric is validation NDCG@100, of ratings minus the RMSE, of
    images minus the mean squared error.

    None when nobody judges, and before the last phase.
    """

    epoch: int
    phase: str
    reconstruction: float
    penalty: float
    metric: float | None


@dataclass(frozen=True)
class Best:
    """The epoch of the last phase that judged best so far, and its weights."""

    metric: float
    weights: dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A fit between two epochs, or (`fitting` None) after the last one."""

    epochs: tuple[Epoch, ...]
    in_phase: int
    """Epochs done in the present phase."""
    since_best: int
    best: Best | None
    fitting: dict[str, Any] | None
    """What `Fitting.state` gave."""
    weights: dict[str, Any] | None
    """Of the network that the whole fit came to."""
    chosen: dict[str, Any] | None = None
    """What that network's `solve` settled."""


class Checkpoints(Protocol):
    """Where a fit keeps its last checkpoint, and what consists of several fits its parts."""

    def load(self) -> Checkpoint | None:
        """The last one saved, if any."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep this one in place of the one before."""

    def part(self, name: str) -> Self:
        """The same for one of several fits."""

    def load_notes(self) -> dict[str, Any] | None:
        """What was last noted of the parts together, as JSON gives it back."""

    def save_notes(self, notes: dict[str, Any]) -> None:
        """Note this in place of what was noted before."""


class InMemory:
    """Checkpoints for a fit that begins anew when its process ends."""

    def __init__(self) -> None:
        self._checkpoint: Checkpoint | None = None
        self._notes: dict[str, Any] | None = None
        self._parts: dict[str, InMemory] = {}

    def load(self) -> Checkpoint | None:
        """The last one saved, if any."""
        return self._checkpoint

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep this one."""
        self._checkpoint = checkpoint

    def part(self, name: str) -> "InMemory":
        """Those of one of several fits."""
        return self._parts.setdefault(name, InMemory())

    def load_notes(self) -> dict[str, Any] | None:
        """What was last noted."""
        return self._notes

    def save_notes(self, notes: dict[str, Any]) -> None:
        """Note this."""
        self._notes = notes
