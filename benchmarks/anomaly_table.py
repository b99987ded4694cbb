"""The figures of several detectors on several sets: means, ranks, wins, as JSON and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import rankdata

TIE = 0.005
"""AUROC: a difference below this is a tie."""
OURS = "hourglass"


@dataclass
class Measured:
    """What the detectors came to on one set: name -> auroc, ap, seconds, means over seeds."""

    name: str
    figures: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, detector: str, *, auroc: float, ap: float, seconds: float) -> None:
        self.figures[detector] = {"auroc": auroc, "ap": ap, "seconds": seconds}


def compared(measured: Sequence[Measured], names: Sequence[str]) -> dict[str, Any]:
    """Means over the sets of each detector, ours at the top; the sets; wins, ties and losses.

    mean_rank is over AUROC among all detectors, 1 the best. Seconds are summed over the sets.
    """
    ranks = np.mean(
        [rankdata([-each.figures[name]["auroc"] for name in names]) for each in measured], axis=0
    )
    detectors = {
        name: {**_means(measured, name), "mean_rank": float(rank), **_against(measured, name)}
        for name, rank in zip(names, ranks, strict=True)
    }
    first = detectors.get(OURS, detectors[names[0]])
    return {
        **{name: first[name] for name in ("mean_auroc", "mean_ap", "seconds")},
        "sets": {each.name: each.figures.get(OURS, each.figures[names[0]]) for each in measured},
        "detectors": detectors,
        "detectors_by_set": {each.name: each.figures for each in measured},
    }


def _means(measured: Sequence[Measured], name: str) -> dict[str, float]:
    figures = [each.figures[name] for each in measured]
    return {
        "mean_auroc": float(np.mean([each["auroc"] for each in figures])),
        "mean_ap": float(np.mean([each["ap"] for each in figures])),
        "seconds": float(np.sum([each["seconds"] for each in figures])),
    }


def _against(measured: Sequence[Measured], name: str) -> dict[str, int]:
    """On how many sets ours wins, ties and loses against a detector, by AUROC."""
    if name == OURS or any(OURS not in each.figures for each in measured):
        return {}
    gains = [each.figures[OURS]["auroc"] - each.figures[name]["auroc"] for each in measured]
    return {
        "wins": sum(gain >= TIE for gain in gains),
        "ties": sum(abs(gain) < TIE for gain in gains),
        "losses": sum(gain <= -TIE for gain in gains),
    }


def table(figures: dict[str, Any]) -> str:
    """The same in words: a row a set with everyone's AUROC, a row a detector with the means."""
    names = list(figures["detectors"])
    lines = [f"{figures['task']}, {figures['protocol']}, seeds {figures['seeds']}", ""]
    lines += [f"{num + 1:>2} {name}" for num, name in enumerate(names)]
    lines += ["", f"{'AUROC':<20}" + "".join(f"{num + 1:>8}" for num in range(len(names)))]
    for name, by_detector in figures["detectors_by_set"].items():
        lines.append(f"{name:<20}" + "".join(f"{by_detector[d]['auroc']:>8.3f}" for d in names))
    lines += ["", f"{'':<26}{'AUROC':>7}{'AP':>7}{'rank':>6}{'seconds':>9}  won/tied/lost by us"]
    for name, each in figures["detectors"].items():
        record = "/".join(str(each[key]) for key in ("wins", "ties", "losses") if key in each)
        lines.append(
            f"{name:<26}{each['mean_auroc']:>7.3f}{each['mean_ap']:>7.3f}"
            f"{each['mean_rank']:>6.1f}{each['seconds']:>9.1f}  {record}"
        )
    lines += [f"{name} failed on {', '.join(on)}" for name, on in figures["failed"].items()]
    return "\n".join(lines)
