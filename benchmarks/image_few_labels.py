"""Does pretraining without labels help where labels are few? Fine-tuned beside from scratch.

One picture in a hundred of Fashion-MNIST's train part has a label; the autoencoder is fitted to
20,000 others without theirs. Both sides are the same network with the same head, and
have the same budget; each takes the learning rate and the number of epochs that does best on the
validation pictures.
"""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import torch

from benchmarks.image_autoencoder import NETWORK, fresh, pretrained
from benchmarks.image_data import CLASSES, Labelled, cut, fashion_mnist
from benchmarks.image_recognition import OnProgress, accuracy
from models.autoencoders.convolutional import ConvolutionalAutoencoder
from models.recognition import CodeClassifier, Recogniser
from models.supervised import SupervisedConfig, fit_recogniser

LABELLED = 0.01
UNLABELLED = 20_000
VALIDATION = 1_000
FINE_TUNING = SupervisedConfig(batch_size=32, shift=1, flip=True, weight_decay=0.01)
RATES, EPOCHS = (1e-3, 3e-3, 1e-2), (20, 40)


def few_labels_task(
    folder: Path, seed: int, limit: int | None, on_progress: OnProgress
) -> dict[str, Any]:
    """Test accuracy of both sides, and what each chose."""
    train, test = fashion_mnist(folder, limit)
    n_labelled = max(round(LABELLED * len(train)), 2 * len(CLASSES))
    rest, validation = cut(train, min(VALIDATION, len(train) // 5), seed)
    others, few = cut(rest, n_labelled, seed)
    start = pretrained(others.rows[:UNLABELLED], seed, on_progress)
    starts = {"scratch": None, "pretrained": start}
    figures: dict[str, Any] = {"labels": len(few)}
    for name, start in starts.items():
        best, chosen = 0.0, ""
        for number, (rate, epochs) in enumerate(product(RATES, EPOCHS)):
            config = replace(FINE_TUNING, learning_rate=rate, epochs=epochs)
            recogniser = fine_tuned(start, few, config, seed)
            on_progress(f"from {name}", number + 1, len(RATES) * len(EPOCHS))
            if (judged := accuracy(recogniser, validation)) > best:
                best, chosen = judged, f"rate {rate:g}, {epochs} epochs"
                figures[name] = accuracy(recogniser, test)
        figures |= {f"validation {name}": best, f"chosen {name}": chosen}
    return figures


def fine_tuned(
    start: ConvolutionalAutoencoder | None, few: Labelled, config: SupervisedConfig, seed: int
) -> Recogniser:
    """A head on a copy of the autoencoder, or on a fresh one, fitted to the labels with it."""
    generator = torch.Generator().manual_seed(seed)
    network = fresh(generator)
    if start is not None:
        network.load_state_dict(start.state_dict())
    head = CodeClassifier(network, NETWORK.latent_dim, len(CLASSES), generator=generator)
    recogniser = Recogniser(head)
    fit_recogniser(recogniser, few.images, few.labels, config, generator=generator)
    return recogniser
