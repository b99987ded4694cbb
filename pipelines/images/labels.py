"""Telling categories by the codes of images: which categories, and the head that learns them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.encoders.layers import Dense
from models.recognition import CodeClassifier, OutputName, Recogniser
from models.supervised import SupervisedConfig, fit_recogniser
from pipelines.images.split import ImageSplit, Pixels

MIN_EXAMPLES = 5
"""Training images that a category needs to be learnt."""
HIDDEN = (Dense(128),)
FIT = SupervisedConfig(epochs=30, batch_size=128, learning_rate=3e-3, weight_decay=0.01)


@dataclass(frozen=True)
class Labels:
    """The categories that are told apart; softmax where every labelled image has exactly one."""

    names: tuple[str, ...]
    output: OutputName

    def of(self, categories: tuple[str, ...]) -> list[int]:
        """The numbers of those that an image has; none: its label is not known."""
        return [num for num, name in enumerate(self.names) if name in categories]


@dataclass(frozen=True)
class Head:
    """A recogniser of labels by codes."""

    labels: Labels
    recogniser: Recogniser
    module: CodeClassifier

    def probabilities(self, codes: Tensor) -> Tensor:
        """Of each label, (n, latent_dim) -> (n, n_labels)."""
        return self.recogniser.probabilities(codes)


class Codes(nn.Module):
    """Stands for an autoencoder whose codes are there already."""

    def encode(self, x: Tensor) -> Tensor:
        return x


def labels_of(split: ImageSplit) -> Labels | None:
    """Categories of enough training images, but not of all; None unless there are two."""
    categories = [split.rows.categories[num] for num in split.train]
    counts = Counter(name for names in categories for name in set(names))
    names = sorted(n for n, count in counts.items() if MIN_EXAMPLES <= count < len(categories))
    if len(names) < 2:
        return None
    labels = Labels(tuple(names), "softmax")
    several = any(len(labels.of(each)) > 1 for each in categories)
    return Labels(labels.names, "sigmoid") if several else labels


def fresh_head(labels: Labels, code_dim: int, generator: torch.Generator) -> Head:
    """One that has learnt nothing."""
    n_classes = len(labels.names)
    module = CodeClassifier(Codes(), code_dim, n_classes, hidden=HIDDEN, generator=generator)
    return Head(labels, Recogniser(module, labels.output), module)


def fit_head(
    labels: Labels,
    split: ImageSplit,
    codes: Tensor,
    *,
    seed: int,
    on_epoch: Callable[[int, float], None],
) -> Head:
    """Learn from the training images whose label is known; codes (n_images, latent_dim)."""
    generator = torch.Generator().manual_seed(seed)
    head = fresh_head(labels, codes.shape[1], generator)
    known, targets = _targets(labels, split, split.train)
    fit_recogniser(
        head.recogniser, codes[known], targets, FIT, generator=generator, on_epoch=on_epoch
    )
    head.module.eval().requires_grad_(False)
    return head


def accuracy(head: Head, split: ImageSplit, codes: Tensor, part: Pixels) -> tuple[float, int]:
    """Share of right labels of the images of a part whose label is known, and their number.

    With sigmoid every label of an image counts by itself. NaN where no label is known.
    """
    known, targets = _targets(head.labels, split, part)
    if not len(known):
        return float("nan"), 0
    with torch.inference_mode():
        found = head.probabilities(codes[known])
    if head.labels.output == "softmax":
        right = found.argmax(dim=1) == targets
    else:
        right = (found >= 0.5) == targets.bool()
    return float(right.double().mean()), len(known)


def _targets(labels: Labels, split: ImageSplit, part: Pixels) -> tuple[Tensor, Tensor]:
    """The images of a part whose label is known, and their labels as a `Recogniser` reads them."""
    numbers = {int(num): labels.of(split.rows.categories[num]) for num in part}
    known = [num for num, own in numbers.items() if own]
    if labels.output == "softmax":
        return torch.tensor(known, dtype=torch.int64), torch.tensor(
            [numbers[num][0] for num in known], dtype=torch.int64
        )
    targets = torch.zeros(len(known), len(labels.names))
    for row, num in enumerate(known):
        targets[row, numbers[num]] = 1
    return torch.tensor(known, dtype=torch.int64), targets
