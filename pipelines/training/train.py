"""One training from a matrix to a judged network. Not its storage, nor its promotion."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.autoencoders.base import Network
from models.catalog import build
from models.errors import ConfigError
from models.fitting import Fitting
from models.rows import SparseRows
from models.scoring.anomaly import score_row
from pipelines.data.interactions import Csr, batches, to_rows
from pipelines.data.splits import Split
from pipelines.data.vocabulary import Vocabulary
from pipelines.errors import FieldError, InvalidInput, NotReady
from pipelines.training.evaluate import (
    HEADLINE,
    Evaluation,
    evaluate,
    network_scorer,
    popularity_scorer,
)
from pipelines.training.run_config import RunConfig

MAX_CALIBRATION = 1_000
"""Users whose anomaly scores are the yardstick: enough to promise an alert rate of 0.1 %."""


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


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to; the metric is validation NDCG@100.

    None when nobody judges, and before the last phase.
    """

    epoch: int
    phase: str
    reconstruction: float
    penalty: float
    metric: float | None


@dataclass(frozen=True)
class Trained:
    """A fitted network and all that is known of it. `calibration` (n,) is sorted."""

    network: Network
    split: Split
    epochs: tuple[Epoch, ...]
    test: Evaluation | None
    popularity: Evaluation | None
    calibration: Tensor

    @property
    def vocabulary(self) -> Vocabulary:
        return self.split.vocabulary


def train(split: Split, config: RunConfig, *, on_progress: OnProgress) -> Trained:
    """Fit with early stopping, judge on the test users beside popularity, calibrate.

    Raises NotReady when there is nothing to learn from, InvalidInput when the configuration does
    not fit the data.
    """
    if not split.train.nnz:
        raise NotReady("There are no interactions to train on. Import or post some first.")
    torch.set_num_threads(config.fit.threads)
    generator = torch.Generator().manual_seed(config.seed)
    network = _build(config, len(split.vocabulary), generator)
    epochs = _fit(network, split, config, generator, on_progress)
    on_progress(Progress("evaluating", 0, 1))
    test = popularity = None
    if split.test is not None:
        test = evaluate(network_scorer(network), split.test)
        popularity = evaluate(popularity_scorer(split.train), split.test)
    calibration = _calibrate(network, split, config.seed, on_progress)
    return Trained(network, split, tuple(epochs), test, popularity, calibration)


def _build(config: RunConfig, n_items: int, generator: torch.Generator) -> Network:
    try:
        return build(config.kind, config.network, n_items=n_items, generator=generator)
    except ConfigError as error:
        pointer = FieldError(f"/network/{error.field}", error.detail)
        raise InvalidInput(error.detail, errors=[pointer]) from None


def _fit(
    network: Network,
    split: Split,
    config: RunConfig,
    generator: torch.Generator,
    on_progress: OnProgress,
) -> list[Epoch]:
    """Fit, phase by phase; the last ends when its epochs or the patience run out, and leaves the
    weights of its best epoch in place. A kind without phases is solved.
    """
    if not network.phases():
        on_progress(Progress("solving", 0, 1))
        network.solve(to_rows(split.train))
        return []
    fitting = Fitting(network, config.fit, generator=generator)
    epochs: list[Epoch] = []
    while not fitting.in_last_phase:
        for _ in range(fitting.phase.epochs or 0):
            epochs.append(_epoch(fitting, split, config, epochs, on_progress))
        fitting.next_phase()
    _fit_last_phase(fitting, split, config, epochs, on_progress)
    return epochs


def _fit_last_phase(
    fitting: Fitting,
    split: Split,
    config: RunConfig,
    epochs: list[Epoch],
    on_progress: OnProgress,
) -> None:
    best: tuple[float, dict[str, Any]] | None = None
    since_best = n_epochs = 0
    while n_epochs < config.fit.epochs and since_best < config.fit.patience:
        epoch = _epoch(fitting, split, config, epochs, on_progress)
        epochs.append(epoch)
        n_epochs += 1
        if epoch.metric is not None:
            since_best += 1
            if best is None or epoch.metric > best[0]:
                best = (epoch.metric, deepcopy(fitting.network.state_dict()))
                since_best = 0
    if best is not None:
        fitting.network.load_state_dict(best[1])


def _epoch(
    fitting: Fitting,
    split: Split,
    config: RunConfig,
    epochs: list[Epoch],
    on_progress: OnProgress,
) -> Epoch:
    """Run one epoch and, in the last phase, judge it by the validation users."""
    phase, judges = fitting.phase.name, split.validation if fitting.in_last_phase else None
    loss = fitting.run_epoch(lambda: _watched(split.train, config, fitting, epochs, on_progress))
    metric = None
    if judges is not None:
        metric = evaluate(network_scorer(fitting.network), judges).mean(HEADLINE)
    return Epoch(len(epochs) + 1, phase, loss.reconstruction, loss.penalty, metric)


def _watched(
    x: Csr, config: RunConfig, fitting: Fitting, epochs: list[Epoch], on_progress: OnProgress
) -> Iterator[SparseRows]:
    """The rows in shuffled batches; reports before each, so that a caller can stop between two."""
    per_epoch = -(-x.shape[0] // config.fit.batch_size)
    total = sum(phase.epochs or config.fit.epochs for phase in fitting.network.phases())
    last = epochs[-1] if epochs else None
    for batch_num, batch in enumerate(batches(x, config.fit.batch_size, fitting.generator)):
        progress = Progress(
            fitting.phase.name,
            len(epochs) * per_epoch + batch_num,
            total * per_epoch,
            epoch=len(epochs) + 1,
            epochs=total,
            loss=last.reconstruction + last.penalty if last else None,
            metric=last.metric if last else None,
        )
        on_progress(progress)
        yield batch


def _calibrate(network: Network, split: Split, seed: int, on_progress: OnProgress) -> Tensor:
    """Sorted anomaly scores of some test users; of training users where none were held out."""
    judges = split.test
    x = split.train if judges is None else judges.fold_in + judges.held_out
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(np.diff(x.indptr)))
    x = x[rows[:MAX_CALIBRATION]]
    scores = []
    for num in range(x.shape[0]):
        on_progress(Progress("calibrating", num, x.shape[0]))
        scores.append(score_row(network, to_rows(x[num : num + 1])).score)
    return torch.tensor(scores, dtype=torch.float64).sort().values
