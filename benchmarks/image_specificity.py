"""An autoencoder rebuilds what it was trained on: the error of each class, trained on one of them.

Some classes are plainer than others and easier for any network, so that one trained on as many
pictures of all classes stands beside. Also draws the figure of the page. Nothing is chosen here, so
nothing is validated.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.image_data import CLASSES, Labelled, cut, fashion_mnist
from benchmarks.image_recognition import OnProgress
from models.autoencoders.convolutional import ConvolutionalAutoencoder, ConvolutionalConfig
from models.fitting import FitConfig, Fitting

ALL = "all classes"
TRAINED_ON = ("sandal", "trouser", ALL)
"""One class of shoes, whose pictures vary much, one of clothes, whose pictures vary little, and a
tenth of all pictures.
"""
FIT = FitConfig(epochs=12, batch_size=128, learning_rate=2e-3)
BAR, GAP, LEFT, WIDTH, MARGIN = 16, 6, 110, 300, 30
"""Pixels of the figure: a bar's height, the space below it, the names, a panel, all around."""


def specificity_task(
    folder: Path, seed: int, limit: int | None, on_progress: OnProgress
) -> dict[str, dict[str, float]]:
    """Mean squared error a pixel of each class's test pictures, by the class trained on."""
    train, test = fashion_mnist(folder, limit)
    return {name: errors(train, test, name, seed, on_progress) for name in TRAINED_ON}


def errors(
    train: Labelled, test: Labelled, trained_on: str, seed: int, on_progress: OnProgress
) -> dict[str, float]:
    """Of a network fitted to those train pictures, on each class of the test."""
    generator = torch.Generator().manual_seed(seed)
    if trained_on == ALL:
        x = cut(train, 1 / len(CLASSES), seed)[1].rows
    else:
        x = train.rows[train.labels == CLASSES.index(trained_on)]
    network = ConvolutionalAutoencoder(
        ConvolutionalConfig(latent_dim=32), n_items=x.shape[1], generator=generator
    )
    fitting = Fitting(network, FIT, generator=generator)
    for epoch in range(FIT.epochs):
        order = torch.randperm(len(x), generator=generator)
        fitting.run_epoch(lambda order=order: (x[batch] for batch in order.split(FIT.batch_size)))
        on_progress(f"trained on {trained_on}", epoch + 1, FIT.epochs)
    return {
        name: _error(network, test.rows[test.labels == each]) for each, name in enumerate(CLASSES)
    }


@torch.inference_mode()
def _error(network: ConvolutionalAutoencoder, x: Tensor) -> float:
    rebuilt = torch.cat([network.reconstruct(batch) for batch in x.split(500)])
    return float((rebuilt - x).square().mean())


def figure(figures: dict[str, dict[str, float]]) -> str:
    """A panel of bars for each class trained on, its own bar dark, as SVG."""
    longest = max(max(each.values()) for each in figures.values())
    high = MARGIN + (BAR + GAP) * len(CLASSES) + MARGIN
    wide = (LEFT + WIDTH + MARGIN) * len(figures) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" font-family="sans-serif" font-size="12">',
        "<title>Squared error a pixel of each class, by the class trained on</title>",
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
    ]
    for number, (trained_on, by_class) in enumerate(figures.items()):
        left = MARGIN + number * (LEFT + WIDTH + MARGIN)
        parts.append(f'<text x="{left}" y="20" font-weight="bold">trained on {trained_on}</text>')
        parts += _panel(left, trained_on, by_class, longest)
    return "\n".join([*parts, "</svg>", ""])


def _panel(left: int, trained_on: str, by_class: dict[str, float], longest: float) -> list[str]:
    parts = []
    for row, (name, error) in enumerate(by_class.items()):
        top = MARGIN + row * (BAR + GAP)
        long = (WIDTH - 50) * error / longest
        colour = "#33658a" if name == trained_on else "#b9c9d9"
        parts += [
            f'<text x="{left + LEFT - 6}" y="{top + 12}" text-anchor="end">{name}</text>',
            f'<rect x="{left + LEFT}" y="{top}" width="{long:.1f}" height="{BAR}" '
            f'fill="{colour}"/>',
            f'<text x="{left + LEFT + long + 5:.1f}" y="{top + 12}">{_short(error)}</text>',
        ]
    return parts


def _short(error: float) -> str:
    return f"{error:.4f}".lstrip("0")


def write_figure(figures: dict[str, Any], folder: Path) -> None:
    """The figure as `specificity.svg`."""
    (folder / "specificity.svg").write_text(figure(figures))
