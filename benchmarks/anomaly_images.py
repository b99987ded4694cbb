"""Strange pictures: each class of Fashion-MNIST in turn is the usual one. Ours, and others.

Fitted on the train part of the class, 6,000 pictures; the whole test part is scored, where every
other class is strange. Others are given the pixels as they are.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

from benchmarks.anomaly_peers import Detector
from benchmarks.anomaly_sets import Array, SetError, Split
from benchmarks.image_data import CLASSES, Labelled, fashion_mnist
from models.detectors.image_members import ImageMemberName
from models.detectors.images import ImageDetectorConfig, fit_images

SHAPE = (1, 28, 28)


def one_vs_rest(folder: Path) -> Iterator[tuple[str, Callable[[int], Split]]]:
    """The name of each class, and its split, the same for every seed."""
    try:
        train, test = fashion_mnist(folder)
    except OSError as error:
        raise SetError(f"{folder} has no Fashion-MNIST: {error}.") from error
    for label, name in enumerate(CLASSES):
        yield name, partial(_split, train, test, label)


def _split(train: Labelled, test: Labelled, label: int, seed: int) -> Split:
    usual = train.of(train.labels == label)
    y = (test.labels != label).long()
    return Split(usual.rows.numpy(), test.rows.numpy(), y.numpy())


def detect(split: Split, seed: int, *, members: tuple[ImageMemberName, ...] = ()) -> Array:
    """Ours: fitted to all pictures, none held out. members: others than the usual."""
    generator = torch.Generator().manual_seed(seed)
    config = ImageDetectorConfig(members=members, calibration_share=0.0)
    pictures = (torch.from_numpy(part).reshape(-1, *SHAPE) for part in (split.train, split.test))
    train, test = pictures
    detector = fit_images(train, config, generator=generator).detector
    scores: Array = detector.score(test).scores.numpy()
    return scores


def components(split: Split, seed: int) -> Array:
    """Squared error of what 32 principal components rebuild."""
    fitted = PCA(32, random_state=seed).fit(split.train)
    rebuilt = fitted.inverse_transform(fitted.transform(split.test))
    return np.asarray(np.square(split.test - rebuilt).sum(axis=1), dtype=np.float64)


def neighbours(split: Split, seed: int) -> Array:
    """Mean squared distance to 2 neighbours among 64 components, and what these leave out."""
    fitted = PCA(64, random_state=seed).fit(split.train)
    codes = fitted.transform(split.test)
    found = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(fitted.transform(split.train))
    near = np.square(found.kneighbors(codes)[0]).mean(axis=1)
    left_out = np.square(split.test - fitted.inverse_transform(codes)).sum(axis=1)
    return np.asarray(near + left_out, dtype=np.float64)


def isolation_forest(split: Split, seed: int) -> Array:
    """300 trees."""
    forest = IsolationForest(n_estimators=300, random_state=seed).fit(split.train)
    return np.asarray(-forest.score_samples(split.test))


PLAIN: tuple[ImageMemberName, ...] = ("neighbours", "forest")
"""The members that are no autoencoders and count, in the parts that they have among the usual."""

DETECTORS: dict[str, Detector] = {
    "hourglass": detect,
    "hourglass-without-autoencoders": partial(detect, members=PLAIN),
    "sklearn-pca-32": components,
    "sklearn-knn-2-on-pca-64": neighbours,
    "sklearn-isolation-forest": isolation_forest,
}
