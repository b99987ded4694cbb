"""One training from a matrix to a judged network. Not its storage, nor its promotion."""

from dataclasses import dataclass

import numpy as np
import torch

from models.autoencoders.base import Network
from models.rows import SparseRows
from models.scoring.calibrated import Calibration, calibrate
from pipelines.data.interactions import Csr, to_rows
from pipelines.data.splits import HeldOut, Split
from pipelines.data.vocabulary import Vocabulary
from pipelines.training.checkpoints import Epoch, InMemory
from pipelines.training.evaluate import Evaluation
from pipelines.training.fit import Fitted
from pipelines.training.fit_run import fit_run
from pipelines.training.progress import OnProgress, Progress
from pipelines.training.run_config import RunConfig
from pipelines.training.yardstick import yardstick_of

MAX_CALIBRATION = 1_000
"""Users whose anomaly scores are the yardstick: enough to promise an alert rate of 0.1 %. As many
others say what is usual.
"""


@dataclass(frozen=True)
class Trained:
    """A fitted network and all that is known of it."""

    network: Network
    run: RunConfig
    """What was carried out, from which the network can be built."""
    settled: RunConfig
    """The same with nothing left to choose."""
    split: Split
    epochs: tuple[Epoch, ...]
    test: Evaluation | None
    popularity: Evaluation | None
    """The same of the plain answer: popularity, or of ratings the biases alone."""
    calibration: Calibration

    @property
    def vocabulary(self) -> Vocabulary:
        return self.split.vocabulary


def train(split: Split, config: RunConfig, *, on_progress: OnProgress) -> Trained:
    """Fit and assess in one go; for the errors see `fit`."""
    fitted = fit_run(split, config, checkpoints=InMemory(), on_progress=on_progress)
    return assess(fitted, split, config, on_progress=on_progress)


def assess(fitted: Fitted, split: Split, config: RunConfig, *, on_progress: OnProgress) -> Trained:
    """Judge on the test users beside popularity, and calibrate."""
    torch.set_num_threads(config.fit.threads)
    on_progress(Progress("evaluating", 0, 1))
    test = popularity = None
    if split.test is not None:
        yardstick = yardstick_of(fitted.network)
        test = yardstick.evaluate(yardstick.scorer(fitted.network), split.test)
        popularity = yardstick.evaluate(yardstick.plain(split.train), split.test)
    calibration = _calibrate(fitted.network, split, config.seed, on_progress)
    return Trained(
        fitted.network,
        fitted.run,
        fitted.settled,
        split,
        fitted.epochs,
        test,
        popularity,
        calibration,
    )


def _calibrate(network: Network, split: Split, seed: int, on_progress: OnProgress) -> Calibration:
    """Of some test users, beside what is usual among some validation users; of training users
    where none were held out.
    """

    def tell(done: int, total: int) -> None:
        on_progress(Progress("calibrating", done, total))

    rng = np.random.default_rng(seed)
    judges = _some_rows(split.test, split.train, rng)
    return calibrate(
        network,
        _some_rows(split.validation, split.train, rng),
        judges,
        generator=torch.Generator().manual_seed(seed),
        on_chunk=tell,
    )


def _some_rows(users: HeldOut | None, train: Csr, rng: np.random.Generator) -> SparseRows:
    """Whole histories of at most MAX_CALIBRATION of the users; of training where there are none."""
    x = train if users is None else users.fold_in + users.held_out
    rows = rng.permutation(np.flatnonzero(np.diff(x.indptr)))
    return to_rows(x[rows[:MAX_CALIBRATION]])
