"""Quality of a named run beside popularity and other runs, by the strong or the weak protocol.

python -m benchmarks.recommenders --data FOLDER --config auto --against edlae,wmf --seed 98765,98766

With several seeds each splits anew, and the mean over them is printed with its standard error.
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.arguments import seeds
from benchmarks.protocols import PROTOCOLS
from benchmarks.tables import figures_of, mean_table, means_of, show, table
from pipelines.errors import HourglassError, InvalidInput
from pipelines.training.evaluate import Evaluation
from pipelines.training.run_config import RunConfig, asked_run, run_config_of, with_options


def main() -> int:
    """Print the figures of one run; exit 1 with a reason when it cannot be done."""
    arguments = _arguments()
    every: list[dict[str, Any]] = []
    asked = arguments.seed or [None]
    try:
        for num, seed in enumerate(asked, start=1):
            if len(asked) > 1:
                print(f"seed {seed}, {num} of {len(asked)}", file=sys.stderr, flush=True)
            every.append(_measured(arguments, seed))
            if not arguments.json:
                print(table(every[-1]), flush=True)
    except HourglassError as error:
        print(error.detail, file=sys.stderr)
        return 1
    means = means_of(every) if len(every) > 1 else None
    if arguments.json:
        print(json.dumps({"mean": means, "seeds": every} if means else every[0]))
    elif means:
        print(mean_table(means))
    return 0


def _measured(arguments: argparse.Namespace, seed: int | None) -> dict[str, Any]:
    """The figures of one seed; None is the run's own."""
    measure = PROTOCOLS[arguments.protocol]
    config = with_options(asked_run(arguments.config), seed=seed, budget_seconds=arguments.budget)
    config = _with_changes(config, arguments.set)
    rivals = {
        name: measure(arguments.data, with_options(asked_run(name), seed=config.seed), show)
        for name in arguments.against
    }
    measured = measure(arguments.data, config, show)
    if arguments.write_run:
        arguments.write_run.write_text(json.dumps(measured.settled.values(), indent=2))
    if arguments.per_user:
        _write_per_user(arguments.per_user, measured.test)
    return figures_of(config, measured, rivals)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommenders", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="anything `import` knows")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="strong")
    parser.add_argument("--config", default="denoising", help="a named run, or a file of one")
    parser.add_argument(
        "--seed", type=seeds, default=[], help="one, or several as 1,2,3; default: the run's own"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.OPTION=JSON",
        help="another value of an option, e.g. 'network.regularisation=[600]'",
    )
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="for the search of `auto`")
    parser.add_argument(
        "--write-run", type=Path, help="write here the run with all that validation chose"
    )
    parser.add_argument(
        "--against",
        type=lambda names: names.split(","),
        default=[],
        metavar="CONFIG,CONFIG",
        help="print the paired difference to each of these runs, user by user",
    )
    parser.add_argument("--per-user", type=Path, help="write a CSV row per test user here")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    arguments = parser.parse_args()
    if len(arguments.seed) > 1 and (arguments.write_run or arguments.per_user):
        parser.error("--write-run and --per-user keep one seed: name one")
    return arguments


def _with_changes(config: RunConfig, changes: Sequence[str]) -> RunConfig:
    """The run with other values. Raises InvalidInput that names what cannot be used."""
    values = config.values()
    for change in changes:
        place, _, text = change.partition("=")
        section, _, option = place.partition(".")
        try:
            values[section][option] = json.loads(text)
        except (KeyError, TypeError, json.JSONDecodeError):
            raise InvalidInput(f"{change!r} is not SECTION.OPTION=JSON.") from None
    return run_config_of(values)


def _write_per_user(path: Path, evaluation: Evaluation) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user", *evaluation.per_user])
        writer.writerows(
            [num, *values]
            for num, values in enumerate(zip(*evaluation.per_user.values(), strict=True))
        )


if __name__ == "__main__":
    sys.exit(main())
