"""How fast networks train and rank, beside RecBole and naive PyTorch, and in how much memory.

python -m benchmarks.training --task epoch --data FOLDER --form recvae --json

Tasks:
    epoch        one of mult-vae or recvae on DATA beside RecBole's own trainer
    evaluation   ranking all items for all users of DATA and the metrics, beside RecBole
    large        mult-vae at the size of MovieLens-20M, made-up rows, beside naive PyTorch
    closed-form  edlae at 20,108 items, and where items outnumber users
    wide         a million users and 100,000 items: what fits and what is refused
    scaling      seconds of an epoch against users and items
    gpu          mult-vae and recvae on the processor and on a GPU; skipped where there is none

Processes take turns, A B A B. `make peers` installs RecBole; without it the task goes on with ours
alone. DATA is anything that `hourglass import` knows; the other tasks make their rows.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.training_gpu import on_gpu
from benchmarks.training_tasks import PEERS
from benchmarks.training_tasks import TASKS as ON_PROCESSOR

TASKS = {**ON_PROCESSOR, "gpu": on_gpu}


def main() -> int:
    """Measure and print."""
    arguments = _arguments()
    if arguments.task in ("epoch", "evaluation") and arguments.data is None:
        print(f"The task {arguments.task} needs --data FOLDER.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "data")
        folder.mkdir()
        figures = TASKS[arguments.task](arguments, folder)
    settings = {**vars(arguments), "data": arguments.data and arguments.data.resolve().name}
    document = {**settings, "date": time.strftime("%Y-%m-%d"), "figures": figures}
    print(json.dumps(document, indent=None if arguments.json else 1))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--data", type=Path, help="epoch, evaluation: a folder or file")
    parser.add_argument("--form", choices=PEERS, default="mult-vae", help="epoch: which network")
    parser.add_argument("--batch-size", type=int, default=2_048, help="epoch: of both sides")
    parser.add_argument("--turns", type=int, default=2, help="that count, after one to warm up")
    parser.add_argument(
        "--threads", type=int, default=2, help="closed-form, gpu: of the processor's arithmetic"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON document on one line")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
