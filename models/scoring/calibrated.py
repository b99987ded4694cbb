"""The yardstick of anomaly scores of one network, from users it was not trained on.

Not the p-values: `calibration.py`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.autoencoders.base import Network
from models.progress import OnChunk
from models.rows import SparseRows
from models.scoring.anomaly import Scale, mean_surprises, score_rows
from models.scoring.surprise import fit_temperature
from models.scoring.usual import fit_usual

MAX_SURPRISES = 20_000
"""Surprises that are kept, drawn from all: enough for p-values of 0.00005."""
_NONE = torch.empty(0, dtype=torch.float64)


@dataclass(frozen=True)
class Calibration:
    """Scores (n,) of rows and surprises (m,) of single entries, both sorted float64, and the scale
    that both were measured with.
    """

    scores: Tensor = _NONE
    surprises: Tensor = _NONE
    scale: Scale = Scale()


def calibrate(
    network: Network,
    usual: SparseRows,
    judges: SparseRows,
    *,
    generator: torch.Generator,
    on_chunk: OnChunk,
) -> Calibration:
    """Learn from rows `usual` what is usual, then score the rows `judges`.

    Where the two are different rows that the network was not trained on, the p-values of others
    like them keep their promise.
    """
    n_usual, n_judges = len(usual.indices), len(judges.indices)

    def tell(done: int, _: int) -> None:
        on_chunk(done, n_usual + n_judges)

    def tell_later(done: int, _: int) -> None:
        on_chunk(n_usual + done, n_usual + n_judges)

    temperature = fit_temperature(network, usual, generator=generator)
    plain = score_rows(network, usual, Scale(temperature), on_chunk=tell)
    means = mean_surprises(usual, plain.entries.values)
    held = usual.lengths > 0
    scale = Scale(temperature, fit_usual(means[held], usual.lengths[held]))
    scored = score_rows(network, judges, scale, on_chunk=tell_later)
    surprises = scored.entries.values
    kept = torch.randperm(n_judges, generator=generator)[:MAX_SURPRISES]
    return Calibration(
        scored.scores[judges.lengths > 0].sort().values, surprises[kept].sort().values, scale
    )
