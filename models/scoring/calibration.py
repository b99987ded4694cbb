"""What an anomaly score means: score -> p-value -> is_anomaly, at a rate with a promise.

Split conformal (Laxhammar & Falkman 2010): scores are compared with those of rows that were held
out of training. Not where scores come from; whatever is scored, its promise is kept here.
"""

import math

import torch
from scipy.stats import betabinom
from torch import Tensor

ROUNDING = 1e-9
"""Slack in products of a rate and a count: 0.01 x 100 is to be 1, not 0.999."""


def p_values(scores: Tensor, calibration: Tensor) -> Tensor:
    """Share of rows at least as strange: (1 + #{calibration >= score}) / (n + 1), float64.

    scores (...), calibration (n,) -> (...). For a row drawn like the calibration rows it is at
    most alpha with probability at most alpha, and nearly that where scores do not tie.
    """
    ordered = calibration.sort().values
    below = torch.searchsorted(ordered, scores.to(ordered.dtype).contiguous())
    return (1 + len(ordered) - below).double() / (len(ordered) + 1)


def p_value(score: float, calibration: Tensor) -> float:
    """`p_values` of one score."""
    return float(p_values(torch.tensor([score], dtype=torch.float64), calibration)[0])


def promised_rank(alert_rate: float, n_calibration: int) -> int:
    """k = floor((n + 1) alpha): an alert is a score above the k-th largest; 0: none can be."""
    return min(math.floor((n_calibration + 1) * alert_rate + ROUNDING), n_calibration)


def threshold_at(alert_rate: float, calibration: Tensor) -> float | None:
    """The score above which the p-value is at most alert_rate.

    The k-th largest of the calibration scores, k of `promised_rank`; None when that is 0: then n
    is too small for that rate, and nothing can be called an anomaly.
    """
    k = promised_rank(alert_rate, len(calibration))
    return float(torch.topk(calibration, k).values[-1]) if k else None


def shortage(alert_rate: float, n_calibration: int) -> str | None:
    """Why that alert rate cannot be promised, and what can; None where it can."""
    if promised_rank(alert_rate, n_calibration):
        return None
    needed = math.ceil(1 / alert_rate - ROUNDING) - 1
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


def discoveries(p: Tensor, fdr: float) -> Tensor:
    """Which rows of a batch are anomalies, where at most a share `fdr` of those may be false.

    p (batch,) -> bool (batch,). Benjamini & Hochberg 1995; it holds for conformal p-values, which
    share their calibration (Bates et al. 2023), in the mean over batches. A lone discovery needs
    a calibration of at least batch / fdr - 1 rows.
    """
    ordered = p.sort().values
    allowed = torch.arange(1, len(p) + 1, dtype=torch.float64) * fdr / max(len(p), 1)
    within = (ordered <= allowed + ROUNDING).nonzero()
    if not len(within):
        return torch.zeros(len(p), dtype=torch.bool)
    return p <= ordered[within[-1, 0]]
