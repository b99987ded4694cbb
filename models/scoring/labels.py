"""What labels do to a threshold, at once: "right" and "false alarm" of what was looked at.

A pure function of the calibration and the labels: without the labels, all is as it was. What
labels do to the score itself, on request, is in models/detectors/reweighting.py.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.scoring.calibration import SAME, p_value, threshold_at

MOVED = "Confirmed anomalies lie below the threshold of the alert rate: labels moved it."
"""What is to be said of a cut that moved."""


@dataclass(frozen=True)
class Labels:
    """Scores of confirmed anomalies, (n_right,), and of confirmed usual examples, (n_false,)."""

    right: Tensor
    false_alarms: Tensor

    def __len__(self) -> int:
        return len(self.right) + len(self.false_alarms)


NO_LABELS = Labels(torch.zeros(0, dtype=torch.float64), torch.zeros(0, dtype=torch.float64))


@dataclass(frozen=True)
class Cut:
    """Where alerts begin: an example is one where its score is above `threshold`.

    threshold None: nothing is called an anomaly. promised_rate: at most that share of usual
    examples is an alert. labelled_errors: confirmed anomalies that are none, and false alarms that
    are. moved: whether confirmed anomalies moved the threshold below that of the alert rate.
    """

    threshold: float | None
    promised_rate: float
    labelled_errors: int
    moved: bool

    def alerts(self, scores: Tensor) -> int:
        """How many of these scores are alerts."""
        return 0 if self.threshold is None else int((scores > self.threshold).sum())


def with_labels(calibration: Tensor, labels: Labels) -> Tensor:
    """The calibration scores (n,) that the labels leave, sorted.

    A false alarm is a usual example: one more, unless it is one of the calibration's. A confirmed
    anomaly is none: where one of the scores is its own, up to `SAME`, that one goes. Examples are
    labelled because they are strange, so false alarms stand higher than usual examples do: an alert
    rate comes out lower than asked by that, never higher, as the threshold of a rate at which they
    were alerts does not fall.
    """
    kept = calibration.double().sort().values
    for score in [*labels.right.tolist(), *labels.false_alarms.tolist()]:
        kept = _without(kept, score)
    return torch.cat([kept, labels.false_alarms.double()]).sort().values


def cut_at(alert_rate: float, calibration: Tensor, labels: Labels = NO_LABELS) -> Cut:
    """The threshold of an alert rate, unless confirmed anomalies lie below it.

    Then it moves down to the one with the fewest labelled errors; of equals, the highest. A
    threshold lies midway between two scores that are known, so that both keep to their side. What
    can still be promised is the conformal p-value of a score just above the threshold. Without
    labels: the threshold of calibration.py.
    """
    return _cut(alert_rate, with_labels(calibration, labels), labels)


def cut_among(alert_rate: float, scores: Tensor, labels: Labels = NO_LABELS) -> Cut:
    """`cut_at` for scores (n,) that are compared with each other, none being known to be usual.

    Each is beside the others, so that the highest is no part of what it is compared with: without
    labels the floor(n alpha) highest are alerts, where scores do not tie.
    """
    return _cut(alert_rate, with_labels(scores, labels)[:-1], labels)


def _cut(alert_rate: float, known: Tensor, labels: Labels) -> Cut:
    asked = threshold_at(alert_rate, known)
    start = math.inf if asked is None else asked
    missed = sorted(set(labels.right[labels.right <= start].tolist()))
    everything = torch.cat([known, labels.right.double()])
    # From the highest down: `min` keeps the first of equals.
    candidates = [start, *(_just_below(score, everything) for score in reversed(missed))]
    chosen = min(candidates, key=lambda threshold: _errors(threshold, labels))
    silent = math.isinf(chosen)
    return Cut(
        threshold=None if silent else chosen,
        promised_rate=0.0 if silent else p_value(math.nextafter(chosen, math.inf), known),
        labelled_errors=_errors(chosen, labels),
        moved=chosen < start,
    )


def _without(scores: Tensor, score: float) -> Tensor:
    """The scores without the nearest to `score`, where that is the same; else all."""
    if not len(scores):
        return scores
    distances = (scores - score).abs()
    nearest = int(distances.argmin())
    if float(distances[nearest]) > SAME * abs(score):
        return scores
    return torch.cat([scores[:nearest], scores[nearest + 1 :]])


def _just_below(score: float, known: Tensor) -> float:
    """Midway from a score to the next lower one that is known; a hair below where there is none."""
    lower = known[known < score]
    hair = math.nextafter(score, -math.inf)
    return min((float(lower.max()) + score) / 2, hair) if len(lower) else hair


def _errors(threshold: float, labels: Labels) -> int:
    missed = int((labels.right <= threshold).sum())
    return missed + int((labels.false_alarms > threshold).sum())
