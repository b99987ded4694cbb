"""The two ways in which recommenders are measured: who is held out, and by which formulas.

`strong`: users unseen in training (`pipelines/data/splits.py`), the metrics of the service.
`weak`: the users and their test items are given; training items are masked and all others ranked,
recall@k = hits / |test| (He et al. 2020, LightGCN), unlike the service's hits / min(k, |test|).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.beyond import beyond
from benchmarks.matrices import read_matrix, read_parts
from models.autoencoders.base import Network
from pipelines.data.interactions import Csr
from pipelines.data.splits import (
    MAX_HELD_OUT,
    HeldOut,
    Split,
    hold_out,
    strong_generalisation,
)
from pipelines.errors import InvalidInput
from pipelines.training.checkpoints import InMemory
from pipelines.training.evaluate import METRICS, Evaluation, Scorer, evaluate, popularity_scorer
from pipelines.training.fit_run import fit_run
from pipelines.training.metrics.recall import recall_at_k
from pipelines.training.progress import OnProgress
from pipelines.training.run_config import RunConfig
from pipelines.training.train import train
from pipelines.training.yardstick import yardstick_of


@dataclass(frozen=True)
class Measured:
    """What a run came to on the test users, and what that took."""

    test: Evaluation
    popularity: Evaluation
    validation: float
    """By which everything was chosen: NDCG@100, of ratings minus the RMSE. Flatters, therefore."""
    epochs: int
    chosen: dict[str, Any]
    settled: RunConfig
    """The run with nothing left to choose."""
    beyond: dict[str, Any]
    """Of the network and of popularity, what `benchmarks/beyond.py` looks at."""
    selection_seconds: float
    fit_seconds: float


def strong(folder: Path, config: RunConfig, on_progress: OnProgress) -> Measured:
    """Users unseen in training; raises InvalidInput where there are too few."""
    split = strong_generalisation(read_matrix(folder, config.data.values), config.seed)
    started = time.perf_counter()
    trained = train(split, config, on_progress=on_progress)
    seconds = time.perf_counter() - started
    if split.test is None or trained.test is None or trained.popularity is None:
        raise InvalidInput("Too few users with five items to hold any out.")
    chosen = chosen_of(config, trained.settled)
    plain = yardstick_of(trained.network).plain(split.train)
    scorers = (trained.network.logits, plain)
    return Measured(
        trained.test,
        trained.popularity,
        _worth(trained.network, split.validation),
        len(trained.epochs),
        chosen,
        trained.settled,
        _beyond(scorers, split.test, (trained.test, trained.popularity), split.train),
        0.0,
        seconds,
    )


def weak(folder: Path, config: RunConfig, on_progress: OnProgress) -> Measured:
    """The users of `train.txt` and `test.txt`: everything is chosen on a fifth of each user's
    training items, and then fitted once more to all of them.
    """
    vocabulary, train_x, test_x = read_parts(folder)
    rng = np.random.default_rng(config.seed)
    started = time.perf_counter()
    parts = hold_out(train_x, rng)
    judges = rng.permutation(train_x.shape[0])[:MAX_HELD_OUT]
    validation = HeldOut(parts.fold_in[judges], parts.held_out[judges])
    part = Split(parts.fold_in, vocabulary, validation, None)
    first = fit_run(part, config, checkpoints=InMemory(), on_progress=on_progress)
    settled = first.settled
    validated = _worth(first.network, validation)
    del first  # two of the large ones at once may not fit
    selected = time.perf_counter()
    whole = Split(train_x, vocabulary, None, None)
    final = fit_run(whole, settled, checkpoints=InMemory(), on_progress=on_progress)
    fitted = time.perf_counter()
    users = HeldOut(train_x, test_x)
    scorers = (final.network.logits, popularity_scorer(train_x))
    test, popularity = (as_lightgcn(evaluate(scorer, users), test_x) for scorer in scorers)
    return Measured(
        test,
        popularity,
        validated,
        len(final.epochs),
        chosen_of(config, settled),
        settled,
        _beyond(scorers, users, (test, popularity), train_x),
        selected - started,
        fitted - selected,
    )


PROTOCOLS: dict[str, Callable[[Path, RunConfig, OnProgress], Measured]] = {
    "strong": strong,
    "weak": weak,
}


def _worth(network: Network, users: HeldOut | None) -> float:
    yardstick = yardstick_of(network)
    assert users is not None  # there are test users, thus also these
    return yardstick.worth(yardstick.scorer(network), users)


def _beyond(
    scorers: Sequence[Scorer], users: HeldOut, evaluations: Sequence[Evaluation], train: Csr
) -> dict[str, Any]:
    return {
        name: beyond(scorer, users, evaluation, train)
        for name, scorer, evaluation in zip(
            ("network", "popularity"), scorers, evaluations, strict=True
        )
    }


def chosen_of(asked: RunConfig, settled: RunConfig) -> dict[str, Any]:
    """The options of the network that were settled otherwise than they were asked for."""
    return {name: v for name, v in settled.network.items() if v != asked.network[name]}


def as_lightgcn(evaluation: Evaluation, test_x: Csr) -> Evaluation:
    """Recall with |test| as its denominator; NDCG is the same in both."""
    lengths = np.diff(test_x.indptr)
    per_user = {
        name: values * np.divide(np.minimum(k, lengths), np.maximum(lengths, 1))
        if metric is recall_at_k
        else values
        for name, values in evaluation.per_user.items()
        for metric, k in [METRICS[name]]
    }
    return Evaluation(per_user)
