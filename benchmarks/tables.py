"""The figures of a measured run, for programs and for people. Not the measuring."""

import json
import resource
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.protocols import Measured
from pipelines.training.evaluate import RMSE, Evaluation, standard_error
from pipelines.training.progress import Progress
from pipelines.training.run_config import RunConfig


def figures_of(
    config: RunConfig, measured: Measured, rivals: Mapping[str, Measured]
) -> dict[str, Any]:
    """What is printed; rivals: other runs on the same users, to which differences are paired."""
    test, popularity = measured.test, measured.popularity
    return {
        "config": config.name,
        "seed": config.seed,
        "headline": test.headline,
        **{name: test.mean(name) for name in test.per_user},
        "se": {name: test.standard_error(name) for name in test.per_user},
        "popularity": {name: popularity.mean(name) for name in popularity.per_user},
        "gain_in_se": {name: gain_in_se(test, popularity, name) for name in test.per_user},
        "difference": {name: _difference(test, rival.test) for name, rival in rivals.items()},
        "beyond": measured.beyond,
        "validation": measured.validation,
        "epochs": measured.epochs,
        "chosen": measured.chosen,
        "trials": list(measured.settled.trials),
        "selection_seconds": measured.selection_seconds,
        "fit_seconds": measured.fit_seconds,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def gain_in_se(ours: Evaluation, theirs: Evaluation, metric: str) -> float | None:
    """How many standard errors of the paired difference the gain is; None where it has no error. Of
    an RMSE less is a gain.
    """
    mean, error = paired(ours, theirs, metric)
    return (-mean if metric == RMSE else mean) / error if error else None


def paired(ours: Evaluation, theirs: Evaluation, metric: str) -> tuple[float, float]:
    """Mean and standard error of the difference, user by user."""
    difference = Evaluation({metric: ours.per_user[metric] - theirs.per_user[metric]})
    return difference.mean(metric), difference.standard_error(metric)


def _difference(ours: Evaluation, theirs: Evaluation) -> dict[str, dict[str, float]]:
    pairs = {name: paired(ours, theirs, name) for name in ours.per_user}
    return {name: {"mean": mean, "se": error} for name, (mean, error) in pairs.items()}


def means_of(every: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of the figures of several seeds: mean and its standard error over the seeds, of each metric
    and of its difference to each rival.
    """
    names = list(every[0]["se"])
    return {
        "config": every[0]["config"],
        "seeds": [figures["seed"] for figures in every],
        **{name: _mean([figures[name] for figures in every]) for name in names},
        "difference": {
            rival: {
                name: _mean([figures["difference"][rival][name]["mean"] for figures in every])
                for name in names
            }
            for rival in every[0]["difference"]
        },
    }


def _mean(values: Sequence[float]) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "se": standard_error(np.array(values))}


def mean_table(means: dict[str, Any]) -> str:
    """The means for people."""
    lines = [f"{means['config']}, mean of {len(means['seeds'])} seeds"]
    metrics = [name for name in means if name not in ("config", "seeds", "difference")]
    lines += [f"{name:<12}{_signless(means[name])}" for name in metrics]
    return "\n".join(lines + _difference_lines(means["difference"]))


def _signless(pair: dict[str, float]) -> str:
    return f"{pair['mean']:.4f} ± {pair['se']:.4f}"


def _difference_lines(difference: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    return [
        f"{name} less that of {rival}: {pair['mean']:+.4f} ± {pair['se']:.4f}"
        for rival, pairs in difference.items()
        for name, pair in pairs.items()
    ]


def table(figures: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [f"{figures['config']}, seed {figures['seed']}, {figures['epochs']} epochs"]
    plain = "biases" if figures["headline"] == RMSE else "popularity"
    lines.append(f"{'':<12}{'network':>18}{plain:>12}{'gain in s.e.':>14}")
    lines += [
        f"{name:<12}{figures[name]:>9.4f} ± {se:.4f}{figures['popularity'][name]:>12.4f}"
        f"{one_digit(figures['gain_in_se'][name]):>14}"
        for name, se in figures["se"].items()
    ]
    lines += _difference_lines(figures["difference"])
    lines += _beyond_lines(figures, plain) + _trial_lines(figures["trials"])
    lines.append(f"validation: {_numbers(figures['validation'])}")
    if figures["chosen"]:
        lines.append(f"chosen on validation: {json.dumps(figures['chosen'])}")
    if figures["selection_seconds"]:
        lines.append(f"chosen in {figures['selection_seconds']:.1f} s, before the fit")
    lines.append(f"{figures['fit_seconds']:.1f} s, {figures['peak_rss_mb']:.0f} MB at most")
    return "\n".join(lines)


def one_digit(value: float | None) -> str:
    """As it is shown; None is a dash."""
    return "-" if value is None else f"{value:.1f}"


def _beyond_lines(figures: dict[str, Any], plain: str) -> list[str]:
    network, popularity = figures["beyond"]["network"], figures["beyond"]["popularity"]
    titles = {
        "coverage": "coverage@20",
        "gini": "Gini@20",
        "novelty": "novelty@20",
        "diversity": "diversity@20",
        "by_activity": f"{figures['headline']} of the least, middle, most active third of users",
        "by_popularity": "share found@20 of rare, middle, common thirds",
    }
    return [
        f"{title}: {_numbers(network[name])} ({plain} {_numbers(popularity[name])})"
        for name, title in titles.items()
    ]


def _numbers(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return " / ".join("-" if each is None else f"{each:.4f}" for each in values)


def _trial_lines(trials: list[dict[str, Any]]) -> list[str]:
    return [
        f"tried {trial['run']}: {trial['outcome']} {trial['detail']}, {trial['epochs']} epochs, "
        f"{trial['seconds']:.0f} s, validation {_numbers(trial['metric'])}, "
        f"weight {trial['weight']:.2f}"
        for trial in trials
    ]


def show(progress: Progress) -> None:
    """On one line of a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r{progress.phase} {progress.done}/{progress.total} ", end="", file=sys.stderr)
