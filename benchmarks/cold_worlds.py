"""Worlds in which some items are cold: MovieLens with its genres and tags, and a world of images.

A world says who has what, what is known of the items, and which plain order a tower has to beat.
Which of the items are cold, and the measuring, is in `cold_start.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from benchmarks.image_data import read_idx
from benchmarks.matrices import read_matrix
from benchmarks.tables import show
from models.autoencoders.convolutional import ConvolutionalAutoencoder
from pipelines.content.features import ItemContent
from pipelines.content.items import contents_of
from pipelines.data.formats.base import Columns
from pipelines.data.import_source import locate
from pipelines.data.interactions import InteractionMatrix, matrix_of
from pipelines.data.weighting import Values
from pipelines.images.catalogue import ImageRows
from pipelines.images.split import split_images
from pipelines.images.training import codes_of, fit_images
from pipelines.storage.items import NewItem, StoredContent
from pipelines.training.checkpoints import InMemory
from pipelines.training.run_config import named_run, with_options

Array = np.ndarray[Any, Any]

N_IMAGES, N_USERS, PER_USER = 2_000, 1_000, 40
CONCENTRATION = 0.3
"""Of the Dirichlet law by which a user likes classes: most users like one to three of the ten."""
CODES = "unsupervised-codes"
"""What stands for the id of an artifact in the benchmark."""


@dataclass(frozen=True)
class World:
    """Who has what, what the tower is told of each item, and the groups of the plain order."""

    matrix: InteractionMatrix
    contents: dict[str, ItemContent]
    groups: dict[str, tuple[str, ...]]
    """Genres of movies, the class of an image: the plain order is by their popularity."""
    image_artifact_id: str | None = None


def movies(data: Path, values: Values, seed: int) -> World:
    """A folder that `hourglass import` knows, with categories and tags of items in it."""
    described = locate(data, columns=Columns()).describe()
    items = [item for item in described if isinstance(item, NewItem)]
    stored = (
        StoredContent(item.item_id, item.title, item.categories or (), item.tags or ())
        for item in items
    )
    contents = {content.item_id: content for content in contents_of(stored)}
    groups = {item.item_id: tuple(item.categories or ()) for item in items}
    return World(read_matrix(data, values), contents, groups)


def images(data: Path, values: Values, seed: int) -> World:
    """Users who like classes of Fashion-MNIST; the tower is told codes and no class.

    Each user draws how much each class is liked (Dirichlet), each image how popular it is within
    its class (log-normal); a user has PER_USER different images drawn by the product. The codes
    are those of the run `convolutional`, trained on the very images, as the service has them.
    """
    rng = np.random.default_rng(seed)
    pixels, labels = _drawn(data, rng)
    tastes = rng.dirichlet(np.full(10, CONCENTRATION), size=N_USERS)
    popular = rng.lognormal(size=N_IMAGES)
    chosen = [_choice(taste[labels] * popular, rng) for taste in tastes]
    item_ids = tuple(f"image-{num:04}" for num in range(N_IMAGES))
    matrix = matrix_of(
        tuple(f"user-{num:04}" for num in range(N_USERS)),
        np.repeat(np.arange(N_USERS), PER_USER),
        item_ids,
        np.concatenate(chosen),
    )
    codes = _codes(pixels, seed)
    contents = {
        item_id: ItemContent(item_id, image=code)
        for item_id, code in zip(item_ids, codes.numpy(), strict=True)
    }
    groups = {item_id: (str(label),) for item_id, label in zip(item_ids, labels, strict=True)}
    return World(matrix, contents, groups, image_artifact_id=CODES)


WORLDS = {"movies": movies, "images": images}


def _drawn(data: Path, rng: np.random.Generator) -> tuple[Array, Array]:
    """Some of the training images, (N_IMAGES, 784) uint8, and what they show."""
    pixels = read_idx(data / "train-images-idx3-ubyte.gz").flatten(1)
    labels = read_idx(data / "train-labels-idx1-ubyte.gz")
    chosen = np.sort(rng.permutation(len(labels))[:N_IMAGES])
    return pixels[chosen].numpy(), labels[chosen].numpy()


def _choice(weights: Array, rng: np.random.Generator) -> Array:
    return rng.choice(len(weights), size=PER_USER, replace=False, p=weights / weights.sum())


def _codes(pixels: Array, seed: int) -> Tensor:
    """The embedding of each image as the run `convolutional` makes it, (N_IMAGES, latent_dim)."""
    item_ids = tuple(map(str, range(len(pixels))))
    rows = ImageRows(item_ids, ((),) * len(pixels), pixels, digest="")
    config = with_options(named_run("convolutional"), seed=seed)
    split = split_images(rows, seed)
    fitted = fit_images(split, config, checkpoints=InMemory(), on_progress=show)
    assert isinstance(fitted.network, ConvolutionalAutoencoder)
    return codes_of(fitted.network, split, show)


def popularity_of_groups(
    groups: Sequence[tuple[str, ...]], known: Sequence[tuple[str, ...]], counts: Array
) -> Array:
    """For each item the mean, over its groups, of how many users a known item of them has."""
    users: dict[str, list[int]] = {}
    for names, count in zip(known, counts.tolist(), strict=True):
        for name in names:
            users.setdefault(name, []).append(count)
    means = {name: float(np.mean(some)) for name, some in users.items()}
    rates = ([means.get(name, 0.0) for name in names] for names in groups)
    return np.array([np.mean(some) if some else 0.0 for some in rates])
