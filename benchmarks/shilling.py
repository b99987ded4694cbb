"""How well fake profiles are found: the score of groups beside plainer ones. Not their making.

Each score is taken as it stands, higher more suspect, whatever the labels say. Length and
reconstruction are beside it so that one sees what is due to neither.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.anomaly_table import OURS, Measured, compared
from benchmarks.shilling_sets import LabelledUsers, set_names, users_of
from models.groups.groups import suspicion_of
from models.groups.signals import Array, Csr, component_shares
from models.scoring.anomaly import feature_errors
from pipelines.data.interactions import to_rows
from pipelines.data.splits import Split
from pipelines.data.vocabulary import Vocabulary
from pipelines.training.checkpoints import InMemory
from pipelines.training.fit_run import fit_run
from pipelines.training.run_config import named_run

CHUNK = 256
"""Rows reconstructed at once."""
RECONSTRUCTION = "ease"
"""The run whose reconstruction errors are taken: the quickest one."""
LEAST_AUROC, LEAST_PRECISION = 0.99, 0.9
"""Below either a set with a seed counts as missed."""


def groups(x: Csr) -> Array:
    return suspicion_of(x).scores


def groups_without_ratings(x: Csr) -> Array:
    return suspicion_of(x, rated=False).scores


def pca_varselect(x: Csr) -> Array:
    """Least shares of the main components first (Mehta & Nejdl 2009)."""
    return -component_shares(x)


def length(x: Csr) -> Array:
    return np.diff(x.indptr).astype(np.float64)


def reconstruction(x: Csr) -> Array:
    """Mean squared errors of a network that learned from all rows, of who has what."""
    ones = x.astype(np.float32)
    ones.data[:] = 1
    vocabulary = Vocabulary(tuple(str(num) for num in range(x.shape[1])))
    split = Split(ones, vocabulary, None, None)
    run = named_run(RECONSTRUCTION)
    fitted = fit_run(split, run, checkpoints=InMemory(), on_progress=lambda _: None)
    chunks = [to_rows(ones[start : start + CHUNK]) for start in range(0, x.shape[0], CHUNK)]
    errors = [feature_errors(fitted.network, rows).mean(dim=1) for rows in chunks]
    scores: Array = torch.cat(errors).numpy()
    return scores


SCORES: dict[str, Callable[[Csr], Array]] = {
    OURS: groups,
    "hourglass without ratings": groups_without_ratings,
    "pca-varselect": pca_varselect,
    "length": length,
    "reconstruction": reconstruction,
}


def measure_shilling(arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of every score on every set, means over the seeds; `missed`: set -> seeds."""
    measured, missed = [], {}
    for name in set_names(arguments.data, arguments.attacks):
        each, of_ours = _measure(name, arguments)
        measured.append(each)
        bad = [seed for seed, run in zip(arguments.seeds, of_ours, strict=False) if _misses(run)]
        if bad:
            missed[name] = bad
    return {
        "task": "shilling",
        "seeds": arguments.seeds,
        **compared(measured, list(SCORES)),
        "missed": missed,
    }


def _measure(name: str, arguments: argparse.Namespace) -> tuple[Measured, list[dict[str, float]]]:
    runs: dict[str, list[dict[str, float]]] = {score: [] for score in SCORES}
    for users in users_of(arguments.data, name, arguments.seeds):
        for score, function in SCORES.items():
            runs[score].append(_judge(function, users))
    measured = Measured(name)
    for score, figures in runs.items():
        mean = {key: float(np.mean([run[key] for run in figures])) for key in figures[0]}
        measured.figures[score] = mean
        print(f"{name} {score} {mean['auroc']:.3f} {mean['seconds']:.1f} s", file=sys.stderr)
    return measured, runs[OURS]


def _judge(function: Callable[[Csr], Array], users: LabelledUsers) -> dict[str, float]:
    began = time.perf_counter()
    scores = function(users.x)
    seconds = time.perf_counter() - began
    scores, fake = scores[users.judged], users.is_attacker[users.judged]
    return {
        "auroc": float(roc_auc_score(fake, scores)),
        "ap": float(average_precision_score(fake, scores)),
        "precision_at_n": precision_at_n(scores, fake),
        "seconds": seconds,
    }


def precision_at_n(scores: Array, fake: Array) -> float:
    """Share of fakes among the n highest scores (n_users,), n the number of fakes. Of users tied
    at the cut as many are taken as there is room, each in part, as if drawn.
    """
    n = int(fake.sum())
    cut = np.sort(scores)[::-1][n - 1]
    above, tied = scores > cut, scores == cut
    room = n - int(above.sum())
    return float((fake[above].sum() + fake[tied].mean() * room) / n)


def _misses(run: dict[str, float]) -> bool:
    return run["auroc"] < LEAST_AUROC or run["precision_at_n"] < LEAST_PRECISION


def shilling_table(figures: dict[str, Any]) -> str:
    """AUROC, and precision at n in brackets: a row a set, a column a score."""
    names = list(figures["detectors"])
    lines = [f"shilling, seeds {figures['seeds']}: AUROC (precision at n)", ""]
    lines += [f"{num + 1:>2} {name}" for num, name in enumerate(names)]
    lines += ["", f"{'':<26}" + "".join(f"{num + 1:>14}" for num in range(len(names)))]
    for name, of_set in figures["detectors_by_set"].items():
        cells = [f"{each['auroc']:.3f} ({each['precision_at_n']:.2f})" for each in of_set.values()]
        lines.append(f"{name:<26}" + "".join(f"{cell:>14}" for cell in cells))
    lines += [f"missed: {name}, seeds {seeds}" for name, seeds in figures["missed"].items()]
    return "\n".join(lines)
