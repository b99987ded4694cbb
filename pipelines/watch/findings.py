"""What a look at many things of one kind comes to: the strangest, and who is called an anomaly."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.scoring.calibration import discoveries, is_at_most, p_values, rank_p_values
from pipelines.storage.anomalies import NewAnomaly
from pipelines.storage.looks import StoredLook
from pipelines.watch.config import WatchConfig

MAX_SHARES = 50
OTHERS = "others"
"""The one contribution that stands for all that are not listed."""

Reasons = Iterable[tuple[str, float, float, float]]
"""Of each item, or user: its id, what was observed, what was expected, and what it adds."""


@dataclass(frozen=True)
class Findings:
    """The strangest of what was looked at of one subject, and what their scores came of."""

    subject: str
    source: str
    found: tuple[NewAnomaly, ...]
    n_looked_at: int
    n_anomalies: int
    """Of all that was looked at, kept or not."""
    look: StoredLook | None = None
    """What scores were compared with; None: no label moves a threshold of theirs."""

    def figures(self) -> dict[str, Any]:
        """For the metrics of the run."""
        return {"looked_at": self.n_looked_at, "anomalies": self.n_anomalies}


@dataclass(frozen=True)
class Judged:
    """Scores (n,) of many things of a kind with their p-values, and who is called an anomaly.

    usual: the scores (m,) that they are compared with; `among`: their own.
    """

    scores: Tensor
    p_values: Tensor
    is_anomaly: Tensor
    usual: Tensor
    among: bool

    def findings(
        self,
        subject: str,
        source: str,
        n: int,
        one: Callable[[int], NewAnomaly],
        *,
        family: Tensor | None = None,
        per_family: int = 1,
    ) -> Findings:
        """The n with the least p-values, of equal ones the highest scores, each as `one` tells it;
        with families (n,), at most `per_family` of each.
        """
        order = torch.argsort(self.scores, descending=True, stable=True)
        order = order[torch.argsort(self.p_values[order], stable=True)]
        found: list[NewAnomaly] = []
        seen = Counter[int]()
        for num in order.tolist():
            if len(found) == n:
                break
            if family is not None:
                seen[int(family[num])] += 1
                if seen[int(family[num])] > per_family:
                    continue
            found.append(one(num))
        return Findings(
            subject,
            source,
            tuple(found),
            len(self.scores),
            int(self.is_anomaly.sum()),
            StoredLook(source, self.among, self.usual.tolist()),
        )

    def finding(
        self,
        num: int,
        *,
        what: tuple[str, ...],
        contributions: Sequence[Mapping[str, Any]],
        user_id: str | None = None,
        item_id: str | None = None,
    ) -> NewAnomaly:
        """The one of that number."""
        return NewAnomaly(
            what,
            float(self.scores[num]),
            float(self.p_values[num]),
            bool(self.is_anomaly[num]),
            contributions,
            user_id,
            item_id,
        )


def judged(scores: Tensor, usual: Tensor, config: WatchConfig, *, family: int) -> Judged:
    """Beside scores (m,) of usual examples: by the config's false-discovery rate among so many,
    chosen or not; without one by its alert rate.
    """
    p = p_values(scores, usual)
    if config.false_discovery_rate is not None:
        is_anomaly = discoveries(p, config.false_discovery_rate, family=family)
    else:
        is_anomaly = is_at_most(p, config.alert_rate)
    return Judged(scores, p, is_anomaly, usual, among=False)


def ranked(scores: Tensor, config: WatchConfig) -> Judged:
    """Beside each other, where nothing is known to be usual: by the config's alert rate always, as
    ranks can make no discovery.
    """
    p = rank_p_values(scores)
    return Judged(scores, p, is_at_most(p, config.alert_rate), scores, among=True)


def shares(name: str, reasons: Reasons) -> list[dict[str, Any]]:
    """What each adds to a score, most first; beyond MAX_SHARES the others together."""
    ordered = sorted(reasons, key=lambda reason: -reason[3])
    listed = [
        {name: each, "observed": observed, "expected": expected, "contribution": share}
        for each, observed, expected, share in ordered[:MAX_SHARES]
    ]
    if len(ordered) > MAX_SHARES:
        rest = sum(share for *_, share in ordered[MAX_SHARES:])
        listed.append({"feature": OTHERS, "contribution": rest})
    return listed
