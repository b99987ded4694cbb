"""What an attack does to a trained network, with suspects in the training and without them.

Users who judge are genuine, held out before the attack, and never seen by the detector. A run
that learns from ratings gets them; any other gets who has what.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from benchmarks.matrices import read_matrix
from benchmarks.shilling_sets import INJECTED
from models.attacks import attacked
from models.groups.groups import suspicion_of
from models.groups.signals import Array, Csr
from pipelines.data.interactions import InteractionMatrix
from pipelines.data.splits import HeldOut, Split, strong_generalisation
from pipelines.errors import InvalidInput
from pipelines.training.checkpoints import InMemory
from pipelines.training.evaluate import Scorer, evaluate, network_scorer, ranked, standard_error
from pipelines.training.fit_run import fit_run
from pipelines.training.run_config import RunConfig, named_run

DEPTH = 10
"""A push has worked with a user to whom the target is recommended among so many."""
ATTACKS = ("random 3%", "average 3%", "bandwagon 3%", "segment 3%")
TRAININGS = ("clean", "attacked", "filtered")


@dataclass(frozen=True)
class Outcome:
    """Of one training: in how many lists the target is, and NDCG@100 (n_users,)."""

    hit_rate: float
    ndcg: Array


def measure_filter(arguments: argparse.Namespace) -> dict[str, Any]:
    """Hit rates of the target and NDCG@100 by attack and training, over the seeds.

    rise_left: the share of the rise of the mean hit rate over a clean training that is left by
    the filter. ndcg_change: of the filtered training to the clean one, the mean over users and
    seeds with its standard error.
    """
    matrix = read_matrix(arguments.data, "rating")
    found = {
        name: [_run(matrix, name, seed, arguments.config) for seed in arguments.seeds]
        for name in arguments.attacks or ATTACKS
    }
    return {
        "task": "filter",
        "config": arguments.config,
        "seeds": arguments.seeds,
        "attacks": {name: _summary(runs) for name, runs in found.items()},
    }


def _run(matrix: InteractionMatrix, name: str, seed: int, config: str) -> dict[str, Any]:
    """Outcomes by training. Genuine users train in the same order in all, so that the filter alone
    makes the difference, and not another start of the network.
    """
    split = strong_generalisation(matrix, seed)
    if split.test is None:
        raise InvalidInput("There are too few users to hold some out.")
    run = replace(named_run(config), seed=seed)
    read = _ratings if run.data.values == "rating" else _ones
    validation, test = (_as(read, users) for users in (split.validation, split.test))
    made = attacked(split.train, INJECTED[name], np.random.default_rng(seed))
    suspects = suspicion_of(made.x).suspects
    everybody = np.arange(made.x.shape[0])
    trains = {
        "clean": everybody[~made.is_attacker],
        "attacked": everybody,
        "filtered": np.setdiff1d(everybody, suspects),
    }
    outcomes = {}
    for training, users in trains.items():
        trained = replace(split, train=read(made.x[users]), validation=validation, test=test)
        outcomes[training] = _outcome(_trained(trained, run), test, made.target)
    rates = {training: outcome.hit_rate for training, outcome in outcomes.items()}
    print(f"{name} seed {seed}: hit rates {rates}", file=sys.stderr)
    caught = made.is_attacker[suspects]
    return {**outcomes, "caught": caught.sum() / made.is_attacker.sum(), "wronged": (~caught).sum()}


def _trained(split: Split, run: RunConfig) -> Scorer:
    torch.set_num_threads(1)
    fitted = fit_run(split, run, checkpoints=InMemory(), on_progress=lambda _: None)
    return network_scorer(fitted.network)


def _outcome(scorer: Scorer, test: HeldOut, target: int) -> Outcome:
    without = np.flatnonzero(test.fold_in[:, [target]].toarray().ravel() == 0)
    lists = ranked(scorer, test.fold_in[without], DEPTH)
    hit_rate = float((lists == target).any(axis=1).mean())
    return Outcome(hit_rate, evaluate(scorer, test).per_user["ndcg@100"])


def _as(read: Callable[[Csr], Csr], users: HeldOut | None) -> HeldOut:
    assert users is not None
    return HeldOut(read(users.fold_in), read(users.held_out))


def _ratings(x: Csr) -> Csr:
    return x.astype(np.float32)


def _ones(x: Csr) -> Csr:
    ones = x.astype(np.float32)
    ones.data[:] = 1
    return ones


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    rates = {each: float(np.mean([run[each].hit_rate for run in runs])) for each in TRAININGS}
    change = np.concatenate([run["filtered"].ndcg - run["clean"].ndcg for run in runs])
    rise = rates["attacked"] - rates["clean"]
    left = (rates["filtered"] - rates["clean"]) / rise if rise > 0 else None
    return {
        "hit_rate@10": rates,
        "rise_left": left,
        "ndcg@100": {each: _mean(runs, each) for each in TRAININGS},
        "ndcg_change": {"mean": float(np.nanmean(change)), "se": standard_error(change)},
        "caught": float(np.mean([run["caught"] for run in runs])),
        "genuine_left_out": float(np.mean([run["wronged"] for run in runs])),
    }


def _mean(runs: list[dict[str, Any]], training: str) -> float:
    return float(np.nanmean(np.concatenate([run[training].ndcg for run in runs])))


def filter_table(figures: dict[str, Any]) -> str:
    """A row an attack: hit rates, what is left of the rise, NDCG, who was left out."""
    lines = [f"filter, {figures['config']}, seeds {figures['seeds']}", ""]
    lines.append(
        f"{'':<16}{'clean':>8}{'attacked':>10}{'filtered':>10}  rise left  NDCG@100 change"
    )
    for name, each in figures["attacks"].items():
        rates = each["hit_rate@10"]
        left = "no rise" if each["rise_left"] is None else f"{each['rise_left']:.1%}"
        change = each["ndcg_change"]
        lines.append(
            f"{name:<16}{rates['clean']:>8.4f}{rates['attacked']:>10.4f}{rates['filtered']:>10.4f}"
            f"{left:>11}  {change['mean']:+.4f} (se {change['se']:.4f}), caught"
            f" {each['caught']:.0%}, genuine left out {each['genuine_left_out']:.1f}"
        )
    return "\n".join(lines)
