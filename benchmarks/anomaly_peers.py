"""Other detectors of strange rows, beside ours: scikit-learn's, and PyOD's where installed.

Each is a function from a split and a seed to scores of its test rows, higher is stranger. Options
are the packages' defaults but for the 300 trees of the forest, and the 5 neighbours of
`sklearn-knn-5`, which is the mean distance to them. Columns are standardised on the rows that are
fitted on, as the packages' documentation asks.
"""

import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import StandardScaler

from benchmarks.anomaly_sets import Array, Split

Detector = Callable[[Split, int], Array]


def isolation_forest(split: Split, seed: int) -> Array:
    """300 trees."""
    train, test = _standardised(split)
    forest = IsolationForest(n_estimators=300, random_state=seed).fit(train)
    scores: Array = -forest.score_samples(test)
    return scores


def neighbours(split: Split, seed: int) -> Array:
    """Mean distance to the 5 nearest training rows, the row itself not counted."""
    train, test = _standardised(split)
    found = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(train)
    distances, _ = found.kneighbors(None if split.train is split.test else test)
    means: Array = distances.mean(axis=1)
    return means


def local_outlier_factor(split: Split, seed: int) -> Array:
    """20 neighbours."""
    train, test = _standardised(split)
    if split.train is split.test:
        scores: Array = -LocalOutlierFactor().fit(train).negative_outlier_factor_
        return scores
    return np.asarray(-LocalOutlierFactor(novelty=True).fit(train).score_samples(test))


def _pyod(split: Split, seed: int, *, module: str, name: str, seeded: bool) -> Array:
    """A detector of PyOD; the scores that it kept of its training rows where those are asked."""
    train, test = _standardised(split)
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        options = {"random_state": seed} if seeded else {}
        detector = getattr(import_module(f"pyod.models.{module}"), name)(**options)
        detector.fit(train)
        same = split.train is split.test
        scores = detector.decision_scores_ if same else detector.decision_function(test)
    return np.asarray(scores)


PEERS: dict[str, Detector] = {
    "sklearn-isolation-forest": isolation_forest,
    "sklearn-knn-5": neighbours,
    "sklearn-lof": local_outlier_factor,
    "pyod-autoencoder": partial(_pyod, module="auto_encoder", name="AutoEncoder", seeded=True),
    "pyod-knn": partial(_pyod, module="knn", name="KNN", seeded=False),
    "pyod-ecod": partial(_pyod, module="ecod", name="ECOD", seeded=False),
}


def missing_package(name: str) -> str | None:
    """The package that a peer needs and that is not installed; None where it can run."""
    needed = {"pyod": ("pyod", "tqdm")}.get(name.partition("-")[0], ())
    return next((package for package in needed if find_spec(package) is None), None)


def _standardised(split: Split) -> tuple[Array, Array]:
    scaler = StandardScaler().fit(split.train)
    return scaler.transform(split.train), scaler.transform(split.test)
