"""What an anomaly score means: score -> p-value -> is_anomaly, at a rate with a promise.

Split conformal (Laxhammar & Falkman 2010): scores are compared with those of rows that were held
out of training. Not where scores come from; whatever is scored, its promise is kept here. One rule
in all of it: scores that differ by rounding are the same, so that who is alone and among many gets
one answer.
"""

import math

import torch
from scipy.stats import betabinom
from torch import Tensor

from models.errors import ConfigError

ROUNDING = 1e-9
"""Relative slack of rates: 0.01 x 100 is to be 1, not 0.999."""
SAME = 1e-5
"""Relative difference up to which two scores are the same: what a score keeps to in any batch, on
any machine."""


def p_values(scores: Tensor, calibration: Tensor) -> Tensor:
    """Share of rows at least as strange: (1 + #{calibration >= score}) / (n + 1), float64.

    scores (...), calibration (n,) -> (...). A calibration score that is the same, up to SAME,
    counts. For a row drawn like the calibration rows it is at most alpha with probability at most
    alpha, and nearly that where scores do not tie.
    """
    return (1 + _at_least(scores, calibration)).double() / (len(calibration) + 1)


def rank_p_values(scores: Tensor) -> Tensor:
    """Share of the scores at least as high, itself among them, (n,) -> (n,) float64: a rank.

    For what is compared with its own kind, as nothing else is known to be usual: it promises
    nothing, and `discoveries` finds nothing by it, as the i-th least is i / n at least.
    """
    return _at_least(scores, scores).double() / max(len(scores), 1)


def is_at_most(p: Tensor, alert_rate: float) -> Tensor:
    """Where p (...) is an alert at that rate, bool (...): there the score is above `threshold_at`,
    whatever the rounding.
    """
    return p <= alert_rate * (1 + ROUNDING)


def p_value(score: float, calibration: Tensor) -> float:
    """`p_values` of one score."""
    return float(p_values(torch.tensor([score], dtype=torch.float64), calibration)[0])


def promised_rank(alert_rate: float, n_calibration: int) -> int:
    """k = floor((n + 1) alpha): an alert is a score above the k-th largest; 0: none can be."""
    return min(math.floor((n_calibration + 1) * alert_rate * (1 + ROUNDING)), n_calibration)


def threshold_at(alert_rate: float, calibration: Tensor) -> float | None:
    """The score above which the p-value is at most alert_rate.

    The highest that is the same, up to SAME, as the k-th largest of the calibration scores, k of
    `promised_rank`; None when that is 0: then n is too small for that rate, and nothing can be
    called an anomaly. Raises ConfigError unless the rate is in (0, 1).
    """
    if not 0 < alert_rate < 1:
        raise ConfigError("alert_rate", f"alert_rate is {alert_rate}; it must be in (0, 1).")
    k = promised_rank(alert_rate, len(calibration))
    return float(torch.topk(_highest_same(calibration), k).values[-1]) if k else None


def shortage(alert_rate: float, n_calibration: int) -> str | None:
    """Why that alert rate cannot be promised, and what can; None where it can."""
    if promised_rank(alert_rate, n_calibration):
        return None
    needed = math.ceil(1 / (alert_rate * (1 + ROUNDING))) - 1
    return (
        f"{n_calibration} calibration scores cannot promise an alert rate of {alert_rate:g}: "
        f"that takes {needed:,}. Ask for at least {1 / (n_calibration + 1):.2g}."
    )


def alerts_interval(
    alert_rate: float, n_calibration: int, n_rows: int, coverage: float = 0.99
) -> tuple[int, int]:
    """Between which numbers the alerts among n_rows fresh clean rows lie, with that probability.

    Beta-Binomial(n_rows, k, n + 1 - k), over both draws, of calibration and of new rows; at most,
    where scores tie.
    """
    k = promised_rank(alert_rate, n_calibration)
    if not k:
        return 0, 0
    low, high = betabinom(n_rows, k, n_calibration + 1 - k).interval(coverage)
    return int(low), int(high)


def discoveries(p: Tensor, fdr: float, *, family: int | None = None) -> Tensor:
    """Which rows of a batch are anomalies, where at most a share `fdr` of those may be false.

    p (batch,) -> bool (batch,). family: how many there were before the batch was chosen from them;
    None: all are here. Benjamini & Hochberg 1995; it holds for conformal p-values, which share
    their calibration (Bates et al. 2023), in the mean over batches. A lone discovery needs a
    calibration of at least family / fdr - 1 rows.
    """
    ordered = p.sort().values
    size = max(len(p), family or 0, 1)
    allowed = torch.arange(1, len(p) + 1, dtype=torch.float64) * fdr / size
    within = (ordered <= allowed * (1 + ROUNDING)).nonzero()
    if not len(within):
        return torch.zeros(len(p), dtype=torch.bool)
    return p <= ordered[within[-1, 0]]


def _at_least(scores: Tensor, others: Tensor) -> Tensor:
    """How many of the others (n,) are as high as each score (...), or higher: (...)."""
    ordered = _highest_same(others).sort().values
    return len(ordered) - torch.searchsorted(ordered, scores.double().contiguous())


def _highest_same(scores: Tensor) -> Tensor:
    """The highest score that is still the same as each, (n,) float64."""
    exact = scores.double()
    return exact + SAME * exact.abs()
