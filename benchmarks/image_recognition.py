"""How well pictures are recognised from labels: LeNet on digits, a small ResNet on Fashion-MNIST.

Options were chosen by the accuracy on validation parts, which are cut from the training parts.
What a code keeps of the same digits, without labels, is in `digits.py`.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from benchmarks.image_data import Labelled, cut, digits, fashion_mnist
from models.encoders.catalog import build_encoder
from models.recognition import Recogniser
from models.supervised import SupervisedConfig, fit_recogniser

Module = TypeVar("Module", bound=nn.Module)
OnProgress = Callable[[str, int, int], None]
"""Hears what is done, how much of it, and of how much."""

SIDE = 32
"""Pixels to which digits are enlarged: LeNet was made for 32 x 32."""
LENET_FIT = SupervisedConfig(epochs=30, batch_size=32, learning_rate=4e-3, shift=2)


def conv(filters: int, size: int, stride: int = 1) -> dict[str, Any]:
    """A normalised line of a table that keeps the maps' size, the stride aside."""
    padding = size // 2
    line = {"layer": "conv", "filters": filters, "size": size, "stride": stride}
    return {**line, "padding": padding, "normalised": True}


SMALL_RESNET: dict[str, Any] = {
    "stem": conv(32, 5, stride=2),
    "stages": [
        {"layer": "stage", "width": 32, "blocks": 1},
        {"layer": "stage", "width": 64, "blocks": 1, "stride": 2},
        {"layer": "stage", "width": 128, "blocks": 1, "stride": 2},
    ],
    "in_channels": 1,
    "n_classes": 10,
}
"""resnet18 with three stages of one block and fewer filters, for 28 x 28."""
RESNET_FIT = SupervisedConfig(
    epochs=10, batch_size=128, learning_rate=1e-2, weight_decay=0.05, shift=2, flip=True
)
RESNET_VALIDATION = 0.1


def digits_task(
    folder: Path | None, seed: int, limit: int | None, on_progress: OnProgress
) -> dict[str, float]:
    """LeNet-5 on digits: a stratified fifth for test, a fifth of the others for validation."""
    part = digits(SIDE)
    if limit:
        part = part.of(torch.arange(limit))
    train, test = cut(part, 0.2, seed)
    train, validation = cut(train, 0.2, seed)
    generator = torch.Generator().manual_seed(seed)
    recogniser = Recogniser(build_encoder("lenet", generator=generator))
    return _fit(recogniser, LENET_FIT, (train, validation, test), generator, on_progress)


def resnet_task(
    folder: Path, seed: int, limit: int | None, on_progress: OnProgress
) -> dict[str, float]:
    """A small ResNet on Fashion-MNIST: a tenth of the train part for validation."""
    train, test = fashion_mnist(folder, limit)
    train, validation = cut(train, RESNET_VALIDATION, seed)
    generator = torch.Generator().manual_seed(seed)
    network = build_encoder("resnet18", SMALL_RESNET, small=True, generator=generator)
    recogniser = Recogniser(in_lines(network))
    return _fit(recogniser, RESNET_FIT, (train, validation, test), generator, on_progress)


def in_lines(network: Module) -> Module:
    """The network with the channels of a pixel side by side: up to twice as quick."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _fit(
    recogniser: Recogniser,
    config: SupervisedConfig,
    parts: tuple[Labelled, Labelled, Labelled],
    generator: torch.Generator,
    on_progress: OnProgress,
) -> dict[str, float]:
    """Fit to the first part; accuracy on the two others."""
    train, validation, test = parts
    started = time.perf_counter()
    fit_recogniser(
        recogniser,
        train.images,
        train.labels,
        config,
        generator=generator,
        on_epoch=lambda done, loss: on_progress(f"loss {loss:.3f}", done, config.epochs),
    )
    seconds = time.perf_counter() - started
    return {
        "accuracy": accuracy(recogniser, test),
        "validation_accuracy": accuracy(recogniser, validation),
        "seconds": seconds,
    }


@torch.inference_mode()
def accuracy(recogniser: Recogniser, part: Labelled) -> float:
    """The share of the pictures whose likeliest class is right."""
    right = 0
    for numbers in torch.arange(len(part)).split(500):
        batch = part.of(numbers)
        right += int((recogniser.probabilities(batch.images).argmax(1) == batch.labels).sum())
    return right / len(part)
