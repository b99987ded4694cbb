"""Quality of a named run beside popularity, by the strong or the weak protocol.

python -m benchmarks.recommenders --data FOLDER --config denoising --seed 98765
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.protocols import PROTOCOLS
from benchmarks.tables import figures_of, show, table
from pipelines.errors import HourglassError, InvalidInput
from pipelines.training.evaluate import Evaluation
from pipelines.training.run_config import RunConfig, asked_run, run_config_of, with_options


def main() -> int:
    """Print the figures of one run; exit 1 with a reason when it cannot be done."""
    arguments = _arguments()
    try:
        config = with_options(
            asked_run(arguments.config), seed=arguments.seed, budget_seconds=arguments.budget
        )
        config = _with_changes(config, arguments.set)
        rival = None
        if arguments.against:
            other = with_options(asked_run(arguments.against), seed=config.seed)
            rival = PROTOCOLS[arguments.protocol](arguments.data, other, show)
        measured = PROTOCOLS[arguments.protocol](arguments.data, config, show)
    except HourglassError as error:
        print(error.detail, file=sys.stderr)
        return 1
    figures = figures_of(config, measured, rival)
    if arguments.write_run:
        arguments.write_run.write_text(json.dumps(measured.settled.values(), indent=2))
    if arguments.per_user:
        _write_per_user(arguments.per_user, measured.test)
    print(json.dumps(figures) if arguments.json else table(figures, against=arguments.against))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recommenders", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="anything `import` knows")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="strong")
    parser.add_argument("--config", default="denoising", help="a named run, or a file of one")
    parser.add_argument("--seed", type=int, help="default: the run's own")
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
        "--against", metavar="CONFIG", help="print the paired difference to this run, user by user"
    )
    parser.add_argument("--per-user", type=Path, help="write a CSV row per test user here")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    return parser.parse_args()


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
