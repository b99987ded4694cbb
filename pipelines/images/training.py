"""One training on images, from rows of pixels to a judged network with its head."""

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from models.autoencoders.convolutional import ConvolutionalAutoencoder
from pipelines.images.judging import Errors, measure
from pipelines.images.labels import FIT, Head, accuracy, fit_head, labels_of
from pipelines.images.split import AT_ONCE, ImageExamples, ImageSplit, as_rows
from pipelines.training.checkpoints import Checkpoints
from pipelines.training.facts import LIBRARIES
from pipelines.training.fit import Fitted, fit_examples
from pipelines.training.progress import OnProgress, Progress
from pipelines.training.run_config import RunConfig


@dataclass(frozen=True)
class TrainedOnImages:
    """A fitted network, its head where categories could be learnt, and all that is known of it."""

    network: ConvolutionalAutoencoder
    head: Head | None
    run: RunConfig
    errors: Errors | None
    facts: dict[str, Any]


def fit_images(
    split: ImageSplit, config: RunConfig, *, checkpoints: Checkpoints, on_progress: OnProgress
) -> Fitted:
    """Fit from the last checkpoint, or from the beginning."""
    examples = ImageExamples(split)
    return fit_examples(examples, config, checkpoints=checkpoints, on_progress=on_progress)


def assess_images(
    fitted: Fitted, split: ImageSplit, config: RunConfig, *, on_progress: OnProgress
) -> TrainedOnImages:
    """Learn the labels, and judge on the test images."""
    network = fitted.network
    assert isinstance(network, ConvolutionalAutoencoder)
    torch.set_num_threads(config.fit.threads)
    labels = labels_of(split) if config.images.labels else None
    head, recognition = None, None
    if labels is not None:

        def report(epoch: int, loss: float) -> None:
            of = FIT.epochs
            on_progress(Progress("labels", epoch, of, epoch=epoch, epochs=of, loss=loss))

        codes = codes_of(network, split, on_progress)
        head = fit_head(labels, split, codes, seed=config.seed, on_epoch=report)
        recognition = _recognition(head, split, codes)
    on_progress(Progress("evaluating", 0, 1))
    errors = measure(network, split, network.config.latent_dim, config.seed)
    metrics = {"test": None} if errors is None else errors.summary()
    facts = _facts(fitted, split) | {"metrics": {**metrics, "recognition": recognition}}
    return TrainedOnImages(network, head, config, errors, facts)


def codes_of(
    network: ConvolutionalAutoencoder, split: ImageSplit, on_progress: OnProgress
) -> Tensor:
    """The embedding of every image, (n_images, latent_dim)."""
    n = len(split.rows.item_ids)
    parts = []
    with torch.inference_mode():
        for start in range(0, n, AT_ONCE):
            on_progress(Progress("encoding", start, n))
            pixels = split.rows.pixels[start : start + AT_ONCE]
            codes = network.user_embeddings(as_rows(pixels), "code")
            assert codes is not None
            parts.append(codes)
    return torch.cat(parts).clone()


def _recognition(head: Head, split: ImageSplit, codes: Tensor) -> dict[str, Any]:
    share, n = accuracy(head, split, codes, split.test)
    return {
        "labels": list(head.labels.names),
        "output": head.labels.output,
        "accuracy": share if n else None,
        "n": n,
    }


def _facts(fitted: Fitted, split: ImageSplit) -> dict[str, Any]:
    """What the manifest says of the training: no times, no names of this run."""
    return {
        "data": {"digest": split.rows.digest, "n_images": len(split.rows.item_ids)},
        "split": {
            "train": len(split.train),
            "validation": len(split.validation),
            "test": len(split.test),
        },
        "epochs": [asdict(epoch) for epoch in fitted.epochs],
        "libraries": {
            "python": platform.python_version(),
            **{name: version(name) for name in (*LIBRARIES, "pillow")},
        },
    }
