"""How surprising each item of a row is, given the others: -log p(item | rest), or a squared error.

Exact, many rows at a time. Not what a surprise means: `calibration.py`, `usual.py`.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.autoencoders.base import Network
from models.autoencoders.losses import LOSSES
from models.progress import OnChunk, untold
from models.rows import SparseRows, rests

CELLS = 1 << 22
"""Logits of one forward pass: bounds its memory, whatever the number of items."""
MAX_CHUNK = 256
"""Entries of one forward pass."""
GRID = 24
"""Temperatures that are tried, from a fiftieth to four times the deviation of the logits."""
FITTED_ON = 1_000
"""Entries that a temperature is chosen by."""


@dataclass(frozen=True)
class Surprises:
    """Of each entry of the rows, in their order: how surprising it is, and what was expected of it.

    Both (nnz,), float64. `expected` is on the scale of the row's values.
    """

    values: Tensor
    expected: Tensor


def surprises(
    network: Network,
    x: SparseRows,
    *,
    temperature: float = 1.0,
    on_chunk: OnChunk = untold,
) -> Surprises:
    """The surprise of every entry of every row, each left out of its row in turn.

    -log p(item | the others of the row), p a softmax of logits / temperature over all items but
    those others. Where a loss reads observed values alone, as ratings: the squared error of the
    value left out. Entries of a row do not depend on the other rows.
    """
    n = len(x.indices)
    chunk = max(1, min(MAX_CHUNK, CELLS // max(x.n_items, 1)))
    found, expected = [], []
    with torch.inference_mode():
        for start in range(0, n, chunk):
            on_chunk(start, n)
            entry_nums = torch.arange(start, min(start + chunk, n))
            some = _of(network, x, entry_nums, temperature)
            found.append(some.values)
            expected.append(some.expected)
    empty = torch.empty(0, dtype=torch.float64)
    return Surprises(torch.cat([empty, *found]), torch.cat([empty, *expected]))


def _of(network: Network, x: SparseRows, entry_nums: Tensor, temperature: float) -> Surprises:
    values = x.values[entry_nums].double()
    logits = network.logits_left_out(x, entry_nums)
    own = logits.gather(1, x.indices[entry_nums][:, None])[:, 0].double()
    if LOSSES[network.loss_name].of_observed:
        return Surprises((values - own).square(), own)
    rest = rests(x, entry_nums)
    logits[rest.row_nums, rest.indices] = -torch.inf
    norm = torch.logsumexp(logits.div_(temperature), dim=1).double()
    surprise = norm - own / temperature
    return Surprises(surprise, values * (-surprise).exp())


def fit_temperature(network: Network, x: SparseRows, *, generator: torch.Generator) -> float:
    """The temperature that makes left-out entries of these rows most probable.

    1 for the multinomial loss, whose logits are trained to be log p, and for observed values. Of
    others only the order of the logits was trained (Guo et al. 2017, "On calibration of modern
    neural networks", section 4.2).
    """
    trained = network.loss_name == "multinomial" or LOSSES[network.loss_name].of_observed
    if trained or not len(x.indices):
        return 1.0
    chosen = torch.randperm(len(x.indices), generator=generator)[:FITTED_ON].sort().values
    chunk = max(1, min(MAX_CHUNK, CELLS // max(x.n_items, 1)))
    grid = torch.logspace(math.log10(0.02), math.log10(4), GRID)
    scale, losses = None, torch.zeros(GRID, dtype=torch.float64)
    with torch.inference_mode():
        for entry_nums in torch.split(chosen, chunk):
            logits = network.logits_left_out(x, entry_nums)
            rest = rests(x, entry_nums)
            if scale is None:
                scale = float(logits.std().clamp_min(1e-12))
            own = logits.gather(1, x.indices[entry_nums][:, None])[:, 0]
            logits[rest.row_nums, rest.indices] = -torch.inf
            for num, step in enumerate((grid * scale).tolist()):
                norm = torch.logsumexp(logits / step, dim=1)
                losses[num] += float((norm - own / step).sum())
    assert scale is not None
    return float(grid[int(losses.argmin())]) * scale
