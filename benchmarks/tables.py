"""The figures of a measured run, for programs and for people. Not the measuring."""

import json
import resource
import sys
from typing import Any

from benchmarks.protocols import Measured
from pipelines.training.evaluate import Evaluation
from pipelines.training.progress import Progress
from pipelines.training.run_config import RunConfig


def figures_of(config: RunConfig, measured: Measured, rival: Measured | None) -> dict[str, Any]:
    """What is printed; rival: another run on the same users, whose difference is paired."""
    test, popularity = measured.test, measured.popularity
    return {
        "config": config.name,
        "seed": config.seed,
        **{name: test.mean(name) for name in test.per_user},
        "se": {name: test.standard_error(name) for name in test.per_user},
        "popularity": {name: popularity.mean(name) for name in popularity.per_user},
        "gain_in_se": {name: gain_in_se(test, popularity, name) for name in test.per_user},
        "difference": _difference(test, rival.test) if rival else None,
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
    """How many standard errors of the paired difference the gain is; None where it has no error."""
    mean, error = paired(ours, theirs, metric)
    return mean / error if error else None


def paired(ours: Evaluation, theirs: Evaluation, metric: str) -> tuple[float, float]:
    """Mean and standard error of the difference, user by user."""
    difference = Evaluation({metric: ours.per_user[metric] - theirs.per_user[metric]})
    return difference.mean(metric), difference.standard_error(metric)


def _difference(ours: Evaluation, theirs: Evaluation) -> dict[str, dict[str, float]]:
    pairs = {name: paired(ours, theirs, name) for name in ours.per_user}
    return {name: {"mean": mean, "se": error} for name, (mean, error) in pairs.items()}


def table(figures: dict[str, Any], *, against: str | None) -> str:
    """The figures for people."""
    lines = [f"{figures['config']}, seed {figures['seed']}, {figures['epochs']} epochs"]
    lines.append(f"{'':<12}{'network':>18}{'popularity':>12}{'gain in s.e.':>14}")
    lines += [
        f"{name:<12}{figures[name]:>9.4f} ± {se:.4f}{figures['popularity'][name]:>12.4f}"
        f"{one_digit(figures['gain_in_se'][name]):>14}"
        for name, se in figures["se"].items()
    ]
    lines += [
        f"{name} less that of {against}: {pair['mean']:+.4f} ± {pair['se']:.4f}"
        for name, pair in (figures["difference"] or {}).items()
    ]
    lines += _beyond_lines(figures["beyond"]) + _trial_lines(figures["trials"])
    lines.append(f"validation: {_numbers(figures['validation'])}")
    if figures["chosen"]:
        lines.append(f"chosen on validation: {json.dumps(figures['chosen'])}")
    lines.append(f"{figures['fit_seconds']:.1f} s, {figures['peak_rss_mb']:.0f} MB at most")
    return "\n".join(lines)


def one_digit(value: float | None) -> str:
    """As it is shown; None is a dash."""
    return "-" if value is None else f"{value:.1f}"


def _beyond_lines(beyond: dict[str, dict[str, Any]]) -> list[str]:
    network, popularity = beyond["network"], beyond["popularity"]
    titles = {
        "coverage": "coverage@20",
        "gini": "Gini@20",
        "novelty": "novelty@20",
        "diversity": "diversity@20",
        "by_activity": "ndcg@100 of the least, middle, most active third of users",
        "by_popularity": "share found@20 of rare, middle, common thirds",
    }
    return [
        f"{title}: {_numbers(network[name])} (popularity {_numbers(popularity[name])})"
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
