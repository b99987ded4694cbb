"""Fitting one network to examples, phase by phase, with early stopping. Not the judging of it.

What consists of several networks is fitted by `fit_run.py`, one after another.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from models.autoencoders.base import Network
from models.autoencoders.search import Judge
from models.catalog import build
from models.devices import device_of
from models.errors import ConfigError
from models.fitting import Fitting
from models.rows import Rows, SparseRows
from pipelines.data.splits import Split
from pipelines.errors import FieldError, InvalidInput, NotReady
from pipelines.machine import available_memory, kept_memory
from pipelines.training.checkpoints import Best, Checkpoint, Checkpoints, Epoch
from pipelines.training.examples import Examples, InteractionExamples
from pipelines.training.progress import OnProgress, Progress
from pipelines.training.run_config import RunConfig, run_config_of


@dataclass(frozen=True)
class Fitted:
    """A network and how it came to its weights."""

    network: Network
    epochs: tuple[Epoch, ...]
    run: RunConfig
    """What was carried out, from which the network can be built."""
    settled: RunConfig
    """The same with nothing left to choose: carried out on the same rows it gives these weights."""


def fit(
    split: Split, config: RunConfig, *, checkpoints: Checkpoints, on_progress: OnProgress
) -> Fitted:
    """Fit from the last checkpoint, or from the beginning; saves one after every epoch.

    Raises NotReady when there is nothing to learn from, InvalidInput when the configuration does
    not fit the data.
    """
    if not split.train.nnz:
        raise NotReady("There are no interactions to train on. Import or post some first.")
    if split.train.shape[0] < 2:
        detail = "There is one user only, and a network learns from what users share: add another."
        raise NotReady(detail)
    return fit_examples(
        InteractionExamples(split), config, checkpoints=checkpoints, on_progress=on_progress
    )


def fit_examples(
    examples: Examples, config: RunConfig, *, checkpoints: Checkpoints, on_progress: OnProgress
) -> Fitted:
    """The same for any examples. Raises InvalidInput when the configuration does not fit them."""
    torch.set_num_threads(config.fit.threads)
    generator = torch.Generator().manual_seed(config.seed)
    network = _build(config, examples.n_items, generator)
    checkpoint = checkpoints.load()
    if checkpoint is None or checkpoint.weights is None:
        checkpoint = _last_checkpoint(
            network, examples, config, generator, checkpoint, checkpoints, on_progress
        )
        checkpoints.save(checkpoint)
    return _fitted(network, config, checkpoint)


def check_device(config: RunConfig) -> None:
    """Raise InvalidInput where the run asks for a GPU and there is none."""
    with _refusals("fit"):
        device_of(config.fit.device)


def fit_so_far(split: Split, config: RunConfig, checkpoints: Checkpoints) -> Fitted | None:
    """A fit that was stopped between two epochs, as it was at its best; None before it judged."""
    checkpoint = checkpoints.load()
    if checkpoint is None or (checkpoint.weights is None and checkpoint.best is None):
        return None
    network = _build(config, len(split.vocabulary), torch.Generator().manual_seed(config.seed))
    return _fitted(network, config, checkpoint)


def _fitted(network: Network, config: RunConfig, checkpoint: Checkpoint) -> Fitted:
    """The network of a finished fit, or the best one of a stopped fit."""
    weights, epochs = checkpoint.weights, checkpoint.epochs
    if weights is None:
        assert checkpoint.best is not None
        weights = checkpoint.best.weights
        epochs = up_to_best(epochs)
    network.load_state_dict(weights, assign=True)
    settled = _settled(config, epochs, checkpoint.chosen or {})
    return Fitted(network.eval(), epochs, config, settled)


def _settled(config: RunConfig, epochs: tuple[Epoch, ...], chosen: dict[str, Any]) -> RunConfig:
    """The run with what validation chose: as many epochs as the best took, and the options."""
    values = config.values()
    judged = [epoch for epoch in epochs if epoch.metric is not None]
    if judged:
        values["fit"]["epochs"] = judged.index(_best_epoch(epochs)) + 1
    values["network"].update(chosen)
    return run_config_of(values)


def up_to_best(epochs: tuple[Epoch, ...]) -> tuple[Epoch, ...]:
    """Those without which the best would not have been; all where nobody judged."""
    judged = any(epoch.metric is not None for epoch in epochs)
    return epochs[: _best_epoch(epochs).epoch] if judged else epochs


def _best_epoch(epochs: tuple[Epoch, ...]) -> Epoch:
    """The first of those that judged best."""
    judged = [epoch for epoch in epochs if epoch.metric is not None]
    return max(judged, key=lambda epoch: epoch.metric or -math.inf)


def _build(config: RunConfig, n_items: int, generator: torch.Generator) -> Network:
    with _refusals("network"):
        return build(config.kind, config.network, n_items=n_items, generator=generator)


@contextmanager
def _refusals(section: str) -> Iterator[None]:
    """An option of the section that cannot be used, as the error of whoever asked for it."""
    try:
        yield
    except ConfigError as error:
        pointer = FieldError(f"/{section}/{error.field}", error.detail)
        raise InvalidInput(error.detail, errors=[pointer]) from None


def _last_checkpoint(
    network: Network,
    examples: Examples,
    config: RunConfig,
    generator: torch.Generator,
    begun: Checkpoint | None,
    checkpoints: Checkpoints,
    on_progress: OnProgress,
) -> Checkpoint:
    """Prepare, fit phase by phase if there are any, and solve."""
    _prepare(network, examples)
    epochs: tuple[Epoch, ...] = ()
    if network.phases():
        check_device(config)
        fit = _Fit(network, examples, config, generator, on_progress)
        if begun is not None:
            fit.restore(begun)
        with kept_memory():
            while not fit.is_over:
                with _refusals("fit"):
                    fit.run_epoch()
                checkpoints.save(fit.checkpoint())
        epochs = fit.end()
    on_progress(Progress("solving", 0, 1))
    network.solve(examples.rows(), _judge(network, examples, on_progress))
    return Checkpoint(epochs, 0, 0, None, None, network.state_dict(), network.chosen)


def _prepare(network: Network, examples: Examples) -> None:
    """Show it all rows, which are then let go: they may take more memory than the fit."""
    rows = examples.rows()
    if isinstance(rows, SparseRows):
        with _refusals("network"):
            network.prepare(rows, memory_bytes=available_memory())


def _judge(network: Network, examples: Examples, on_progress: OnProgress) -> Judge | None:
    """How well the network as it stands does for those who judge."""
    if not examples.judged:
        return None

    def judge() -> float:
        on_progress(Progress("solving", 0, 1))
        return examples.worth(network)

    return judge


class _Fit:
    """A fit of a kind with phases; the last one ends when its epochs or the patience run out."""

    def __init__(
        self,
        network: Network,
        examples: Examples,
        config: RunConfig,
        generator: torch.Generator,
        on_progress: OnProgress,
    ) -> None:
        self._fitting = Fitting(network, config.fit, generator=generator)
        self._examples = examples
        self._config = config.fit
        self._on_progress = on_progress
        self._epochs: list[Epoch] = []
        self._in_phase = 0
        self._since_best = 0
        self._best: Best | None = None
        self._leave_done_phases()

    @property
    def is_over(self) -> bool:
        return self._fitting.in_last_phase and (
            self._in_phase >= self._config.epochs or self._since_best >= self._config.patience
        )

    def run_epoch(self) -> None:
        """Run one epoch and, in the last phase, have it judged."""
        phase, in_last_phase = self._fitting.phase.name, self._fitting.in_last_phase
        loss = self._fitting.run_epoch(self._watched)
        metric = None
        if in_last_phase and self._examples.judged:
            with self._fitting.precision():
                metric = self._examples.worth(self._fitting.network)
            self._compare(metric)
        number = len(self._epochs) + 1
        self._epochs.append(Epoch(number, phase, loss.reconstruction, loss.penalty, metric))
        self._in_phase += 1
        self._leave_done_phases()

    def checkpoint(self) -> Checkpoint:
        """All that the next epoch depends on."""
        return Checkpoint(
            tuple(self._epochs),
            self._in_phase,
            self._since_best,
            self._best,
            self._fitting.state(),
            None,
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to a checkpoint of an equal fit."""
        assert checkpoint.fitting is not None
        self._fitting.restore(checkpoint.fitting)
        self._epochs = list(checkpoint.epochs)
        self._in_phase = checkpoint.in_phase
        self._since_best = checkpoint.since_best
        self._best = checkpoint.best

    def end(self) -> tuple[Epoch, ...]:
        """Leave the network on the processor, with the weights of the best epoch or, when nobody
        judged, the last; the epochs there were.
        """
        self._fitting.leave_device()
        if self._best:
            self._fitting.network.load_state_dict(self._best.weights)
        return tuple(self._epochs)

    def _compare(self, metric: float) -> None:
        self._since_best += 1
        if self._best is None or metric > self._best.metric:
            self._best = Best(metric, self._fitting.weights())
            self._since_best = 0

    def _leave_done_phases(self) -> None:
        while not self._fitting.in_last_phase and self._in_phase >= (
            self._fitting.phase.epochs or 0
        ):
            self._fitting.next_phase()
            self._in_phase = 0

    def _watched(self) -> Iterator[Rows]:
        """The rows in shuffled batches; reports before each, so that a caller can stop there."""
        network = self._fitting.network
        per_epoch = -(-self._examples.n_rows(network) // self._config.batch_size)
        total = sum(phase.epochs or self._config.epochs for phase in network.phases())
        done, last = len(self._epochs), self._epochs[-1] if self._epochs else None
        shuffled = self._examples.batches(network, self._config.batch_size, self._fitting.generator)
        for batch_num, batch in enumerate(shuffled):
            progress = Progress(
                self._fitting.phase.name,
                done * per_epoch + batch_num,
                total * per_epoch,
                epoch=done + 1,
                epochs=total,
                loss=last.reconstruction + last.penalty if last else None,
                metric=last.metric if last else None,
            )
            self._on_progress(progress)
            yield batch
