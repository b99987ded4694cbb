"""What a look at many things of one kind comes to: the strangest, and who is called an anomaly."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.scoring.calibration import ROUNDING, discoveries
from pipelines.storage.anomalies import NewAnomaly
from pipelines.watch.config import WatchConfig

OnChunk = Callable[[int, int], None]
"""Called with how many are done, and how many there are."""


@dataclass(frozen=True)
class Findings:
    """The strangest of what was looked at of one subject, and what their scores came of."""

    subject: str
    source: str
    found: tuple[NewAnomaly, ...]
    n_looked_at: int
    n_anomalies: int
    """Of all that was looked at, kept or not."""

    def figures(self) -> dict[str, Any]:
        """For the metrics of the run."""
        return {"looked_at": self.n_looked_at, "anomalies": self.n_anomalies}


@dataclass(frozen=True)
class Judged:
    """Scores (n,) of many things of a kind with their p-values, and who is called an anomaly."""

    scores: Tensor
    p_values: Tensor
    is_anomaly: Tensor

    def strangest(self, n: int) -> list[int]:
        """The numbers of the n with the least p-values, of equal ones the highest scores."""
        order = torch.argsort(self.scores, descending=True, stable=True)
        order = order[torch.argsort(self.p_values[order], stable=True)]
        return [int(num) for num in order[:n]]


def judged(scores: Tensor, p_values: Tensor, config: WatchConfig) -> Judged:
    """By the config's false-discovery rate, or without one by its alert rate."""
    if config.false_discovery_rate is not None:
        is_anomaly = discoveries(p_values, config.false_discovery_rate)
    else:
        is_anomaly = p_values <= config.alert_rate + ROUNDING
    return Judged(scores, p_values, is_anomaly)
