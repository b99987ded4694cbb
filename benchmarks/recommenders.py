"""Quality of a named run beside popularity, on the strong-generalisation split.

python -m benchmarks.recommenders --data FOLDER --config denoising --seed 98765
"""

import argparse
import csv
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.matrices import read_matrix
from pipelines.data.splits import strong_generalisation
from pipelines.errors import HourglassError
from pipelines.training.evaluate import Evaluation
from pipelines.training.run_config import RunConfig, named_run, with_options
from pipelines.training.train import Progress, Trained, train


def main() -> int:
    """Print the figures of one run; exit 1 with a reason when it cannot be done."""
    arguments = _arguments()
    try:
        config = with_options(named_run(arguments.config), seed=arguments.seed)
        split = strong_generalisation(read_matrix(arguments.data), config.seed)
        started = time.perf_counter()
        trained = train(split, config, on_progress=_show)
        seconds = time.perf_counter() - started
    except HourglassError as error:
        print(error.detail, file=sys.stderr)
        return 1
    if trained.test is None or trained.popularity is None:
        print("Too few users with five items to hold any out.", file=sys.stderr)
        return 1
    figures = _figures(config, trained, seconds)
    if arguments.per_user:
        _write_per_user(arguments.per_user, trained.test)
    print(json.dumps(figures) if arguments.json else _table(figures))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommenders", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="anything `import` knows")
    parser.add_argument("--protocol", choices=["strong"], default="strong")
    parser.add_argument("--config", default="denoising", help="a named run")
    parser.add_argument("--seed", type=int, help="default: the run's own")
    parser.add_argument("--per-user", type=Path, help="write a CSV row per test user here")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    return parser.parse_args()


def _figures(config: RunConfig, trained: Trained, seconds: float) -> dict[str, Any]:
    assert trained.test is not None
    assert trained.popularity is not None
    test, popularity = trained.test, trained.popularity
    return {
        "config": config.name,
        "seed": config.seed,
        **{name: test.mean(name) for name in test.per_user},
        "se": {name: test.standard_error(name) for name in test.per_user},
        "popularity": {name: popularity.mean(name) for name in popularity.per_user},
        "gain_in_se": {name: _gain_in_se(test, popularity, name) for name in test.per_user},
        "epochs": len(trained.epochs),
        "selection_seconds": 0.0,
        "fit_seconds": seconds,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _gain_in_se(ours: Evaluation, theirs: Evaluation, metric: str) -> float:
    """How many standard errors of the paired difference the gain is."""
    difference = Evaluation({metric: ours.per_user[metric] - theirs.per_user[metric]})
    return difference.mean(metric) / difference.standard_error(metric)


def _table(figures: dict[str, Any]) -> str:
    lines = [f"{figures['config']}, seed {figures['seed']}, {figures['epochs']} epochs"]
    lines.append(f"{'':<12}{'network':>18}{'popularity':>12}{'gain in s.e.':>14}")
    lines += [
        f"{name:<12}{figures[name]:>9.4f} ± {se:.4f}{figures['popularity'][name]:>12.4f}"
        f"{figures['gain_in_se'][name]:>14.1f}"
        for name, se in figures["se"].items()
    ]
    lines.append(f"{figures['fit_seconds']:.1f} s, {figures['peak_rss_mb']:.0f} MB at most")
    return "\n".join(lines)


def _write_per_user(path: Path, evaluation: Evaluation) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user", *evaluation.per_user])
        writer.writerows(
            [num, *values]
            for num, values in enumerate(zip(*evaluation.per_user.values(), strict=True))
        )


def _show(progress: Progress) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress.phase} {progress.done}/{progress.total} ", end="", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
