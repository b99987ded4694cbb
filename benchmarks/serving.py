"""How many recommendations a second the server gives, and how late, as callers grow in number.

python -m benchmarks.serving --data FOLDER --configs ease,blend --json

For each run a home of its own: import, train, `hourglass serve` on a free port of this machine
with one process. Then 1, 2, 4 and 8 callers, each with a connection that stays open, post one
history after another to /v1/recommendations and read the answer to its end. Without --data the
interactions are made up: groups of users, each with common items of its own. The callers take
their share of the same processors. Not how good the answers are.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving_calls import (
    Answers,
    Home,
    ServingError,
    bodies_of,
    called,
    home_of,
    serving,
)
from benchmarks.zipf import histories

CALLERS = (1, 2, 4, 8)
GROUPS = 8
N_HISTORIES = 512
WARM_UP = 50
"""Answers that are not counted."""
QUANTILES = (50, 95, 99)


def main() -> int:
    """Measure each run and print; exit 1 with a reason when a server cannot be had."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        data = arguments.data or _made_up(folder, arguments)
        bodies = bodies_of(
            data, N_HISTORIES, length=arguments.length, n=arguments.n, seed=arguments.seed
        )
        try:
            figures = {}
            for name in arguments.configs:
                home = home_of(folder, data, name, epochs=arguments.epochs, seed=arguments.seed)
                figures[name] = _measured(home, bodies, arguments)
        except ServingError as error:
            print(error, file=sys.stderr)
            return 1
    settings = {**vars(arguments), "data": arguments.data and arguments.data.resolve().name}
    document = {**settings, "date": time.strftime("%Y-%m-%d"), "figures": figures}
    print(json.dumps(document) if arguments.json else _table(figures))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="anything `import` knows; default: made up")
    parser.add_argument("--users", type=int, default=2_000, help="of what is made up")
    parser.add_argument("--items", type=int, default=5_000, help="of what is made up")
    parser.add_argument(
        "--configs",
        type=lambda names: names.split(","),
        default=["mult-vae", "normalised", "spectral", "wmf", "blend"],
        metavar="CONFIG,CONFIG",
        help="named runs, or files of such",
    )
    parser.add_argument("--epochs", type=int, default=5, help="how far to train: speed is asked")
    parser.add_argument("--seconds", type=float, default=5.0, help="at most, of each measurement")
    parser.add_argument("--count", type=int, default=2_000, help="answers at most, of the same")
    parser.add_argument("--length", type=int, default=50, help="items of a history at most")
    parser.add_argument("--n", type=int, default=20, help="items to recommend")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    return parser.parse_args()


def _made_up(folder: Path, arguments: argparse.Namespace) -> Path:
    """A CSV file; what is common in one group of users is another draw of items in the next."""
    x = histories(arguments.users, arguments.items, 50 * arguments.users, seed=arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    names = [rng.permutation(arguments.items) for _ in range(GROUPS)]
    path = folder / "interactions.csv"
    with path.open("w") as file:
        file.write("user_id,item_id\n")
        for user in range(arguments.users):
            items = names[user % GROUPS][x.indices[x.indptr[user] : x.indptr[user + 1]]]
            file.writelines(f"user-{user},item-{item}\n" for item in items)
    return path


def _measured(home: Home, bodies: Sequence[bytes], arguments: argparse.Namespace) -> dict[str, Any]:
    """What each number of callers had of one run."""
    with serving(home) as server:
        called(server, bodies, callers=1, seconds=arguments.seconds, count=WARM_UP)
        measured = {}
        for callers in CALLERS:
            answers = called(
                server, bodies, callers=callers, seconds=arguments.seconds, count=arguments.count
            )
            measured[str(callers)] = _summary(answers)
            print(f"{callers} callers: {measured[str(callers)]}", file=sys.stderr)
        return {**home.facts, "callers": measured, "peak_rss_mb": server.peak_rss_mb()}


def _summary(answers: Answers) -> dict[str, Any]:
    """Answers a second, and quantiles of the milliseconds that a caller waited."""
    quantiles = np.percentile(1e3 * np.array(answers.waited), QUANTILES)
    return {
        "answers": len(answers.waited),
        "per_second": round(len(answers.waited) / answers.seconds, 1),
        **{f"p{q}_ms": round(ms, 2) for q, ms in zip(QUANTILES, quantiles.tolist(), strict=True)},
    }


def _table(figures: dict[str, Any]) -> str:
    lines = ["run | callers | answers/s | p50 ms | p95 ms | p99 ms | peak MB"]
    lines += [
        f"{name} | {callers} | {each['per_second']} | {each['p50_ms']} | {each['p95_ms']} | "
        f"{each['p99_ms']} | {of_run['peak_rss_mb']}"
        for name, of_run in figures.items()
        for callers, each in of_run["callers"].items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
