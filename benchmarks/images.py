"""What is learnt from pictures: neighbours, recognition, pretraining, specificity.

python -m benchmarks.images --task neighbours --data FOLDER --seeds 0

    neighbours    precision@10 of same-class neighbours: autoencoder, pixels, PCA (Fashion-MNIST)
    digits        LeNet-5 on scikit-learn's bundled digits; needs no data
    resnet        a small ResNet on Fashion-MNIST
    few-labels    1 % labels: pretrained without labels, and from scratch (Fashion-MNIST)
    specificity   errors of autoencoders trained on one class; --draw makes the page's figure

FOLDER holds the four gzipped IDX files of Fashion-MNIST. Everything was chosen on validation parts
cut from the train part; the test part is for the figures alone.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress

from benchmarks.arguments import seeds
from benchmarks.image_few_labels import few_labels_task
from benchmarks.image_neighbours import neighbours_task
from benchmarks.image_recognition import OnProgress, digits_task, resnet_task
from benchmarks.image_specificity import specificity_task, write_figure

TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "neighbours": neighbours_task,
    "digits": digits_task,
    "resnet": resnet_task,
    "few-labels": few_labels_task,
    "specificity": specificity_task,
}
FEWEST = 100
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"


def main() -> int:
    """Print the figures of one task; exit 1 with a reason when it cannot be done."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    try:
        figures = measure(arguments)
    except (OSError, EOFError) as error:
        print(f"Fashion-MNIST cannot be read: {error}", file=sys.stderr)
        return 1
    if arguments.draw:
        write_figure(next(iter(figures["seeds"].values())), PICTURES)
    print(json.dumps(figures) if arguments.json else table(figures))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.images",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--task", choices=TASKS, default="neighbours")
    parser.add_argument("--data", type=Path, help="folder of Fashion-MNIST; not for digits")
    parser.add_argument(
        "--seeds", type=seeds, default=[0], help="several with commas between: 0,1,2"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the arithmetic")
    parser.add_argument("--limit", type=int, help="only so many pictures a part, for a quick look")
    parser.add_argument("--draw", action="store_true", help="specificity: write the page's figure")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    arguments = parser.parse_args()
    if arguments.data is None and arguments.task != "digits":
        parser.error(f"--task {arguments.task} needs --data FOLDER")
    if arguments.draw and arguments.task != "specificity":
        parser.error("--draw goes with --task specificity")
    if arguments.limit is not None and arguments.limit < FEWEST:
        parser.error(f"--limit is {arguments.limit}; the parts need at least {FEWEST} pictures")
    return arguments


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of each seed, and the mean and standard deviation of what is a number."""
    task, by_seed = TASKS[arguments.task], {}
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        for seed in arguments.seeds:
            show = _shower(bar, seed)
            by_seed[str(seed)] = task(arguments.data, seed, arguments.limit, show)
    figures = {"task": arguments.task, "threads": arguments.threads, "seeds": by_seed}
    rows = [flat(each) for each in by_seed.values()]
    numbers = [name for name, value in rows[0].items() if not isinstance(value, str)]
    figures["mean"] = {name: float(np.mean([row[name] for row in rows])) for name in numbers}
    if len(rows) > 1:
        spread = {name: float(np.std([row[name] for row in rows], ddof=1)) for name in numbers}
        figures["deviation"] = spread
    return figures


def _shower(bar: Progress, seed: int) -> OnProgress:
    """What draws the progress of a seed."""
    task = bar.add_task(f"seed {seed}", total=None)

    def show(what: str, done: int, total: int) -> None:
        bar.update(task, description=f"seed {seed}: {what}", completed=done, total=total)

    return show


def flat(figures: dict[str, Any]) -> dict[str, Any]:
    """Figures of figures as figures with longer names."""
    found = {}
    for name, value in figures.items():
        if isinstance(value, dict):
            found |= {f"{name}: {inner}": each for inner, each in flat(value).items()}
        else:
            found[name] = value
    return found


def table(figures: dict[str, Any]) -> str:
    """One line a figure: its mean, its standard deviation, and that of each seed."""
    deviation = figures.get("deviation", {})
    lines = [
        f"{figures['task']}, {figures['threads']} threads, seeds {', '.join(figures['seeds'])}"
    ]
    rows = [flat(each) for each in figures["seeds"].values()]
    for name in rows[0]:
        parts = [_written(row[name]) for row in rows]
        if name in deviation:
            parts.insert(0, f"{figures['mean'][name]:.4f} ± {deviation[name]:.4f} of")
        lines.append(f"{name:<36}{'  '.join(parts)}")
    return "\n".join(lines)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4f}"


if __name__ == "__main__":
    sys.exit(main())
