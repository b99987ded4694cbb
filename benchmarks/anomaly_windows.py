"""Detectors of odd stretches, ours and others, on the series of anomaly_series.py.

Each is a function from a split, whose train and test are a series (n_time, n_columns), and a seed
to a score a position. Windows are cut alike for all; of detectors that score windows only, a
position's score is the mean over those that cover it.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from benchmarks.anomaly_peers import Detector
from benchmarks.anomaly_series import SERIES, split_of
from benchmarks.anomaly_sets import Array, Split
from models.autoencoders.sequence import SequenceAutoencoder, SequenceConfig
from models.detectors.cutting import starts_of
from models.detectors.detector import DetectorConfig
from models.detectors.recipes import Form
from models.detectors.windows import WindowsConfig, fit_windows, windows_as_rows
from models.fitting import FitConfig, fit_all

__all__ = ["DETECTORS", "SERIES", "split_of"]

CUT = WindowsConfig()
WindowScores = Callable[[Array, Array, int], Array]
"""From windows to fit on and windows to score, (n_windows, length * n_columns), and a seed."""


def _ours(split: Split, seed: int, *, form: Form) -> Array:
    rows = DetectorConfig(regime="clean", form=form, calibration_share=0.0)
    columns = [str(num) for num in range(split.train.shape[1])]
    config = WindowsConfig(rows=rows)
    generator = torch.Generator().manual_seed(seed)
    fitted = fit_windows([split.train], config, columns=columns, generator=generator)
    positions: Array = fitted.detector.score(split.test).positions.numpy()
    return positions


def _of_windows(split: Split, seed: int, *, score: WindowScores) -> Array:
    """Cut, score windows, and spread their scores over positions."""
    scaler = StandardScaler().fit(split.train)
    starts = starts_of(len(split.test), CUT.length, CUT.step)
    train, test = (_cut(scaler.transform(part)) for part in (split.train, split.test))
    places = starts.numpy()[:, None] + np.arange(CUT.length)
    sums = np.bincount(places.ravel(), np.repeat(score(train, test, seed), CUT.length))
    means: Array = sums / np.bincount(places.ravel())
    return means


def _cut(series: Array) -> Array:
    table = windows_as_rows(series, starts_of(len(series), CUT.length, CUT.step), CUT)
    return np.column_stack(list(table.values()))


def _forest(train: Array, test: Array, seed: int) -> Array:
    forest = IsolationForest(n_estimators=300, random_state=seed).fit(train)
    return np.asarray(-forest.score_samples(test))


def _neighbours(train: Array, test: Array, seed: int) -> Array:
    found = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(train)
    return np.asarray(found.kneighbors(test)[0].mean(axis=1))


def _sequence(train: Array, test: Array, seed: int) -> Array:
    """The convolutional autoencoder `sequence` at its defaults, 10 epochs: squared errors."""
    generator = torch.Generator().manual_seed(seed)
    fitted_to, judged = (_as_signals(part) for part in (train, test))
    network = SequenceAutoencoder(
        SequenceConfig(shape=(fitted_to.shape[1] // CUT.length, CUT.length)),
        n_items=fitted_to.shape[1],
        generator=generator,
    )
    fit = FitConfig(epochs=10, batch_size=128)
    order = torch.randperm(len(fitted_to), generator=generator)
    batches = [fitted_to[chosen] for chosen in torch.split(order, fit.batch_size)]
    fit_all(network, fit, lambda: batches, generator=generator)
    with torch.inference_mode():
        errors = (network.reconstruct(judged) - judged).square().mean(dim=1)
    return np.asarray(errors.numpy(), dtype=np.float64)


def _as_signals(windows: Array) -> torch.Tensor:
    """Channel by channel, as a `sequence` has them: (n_windows, n_columns * length)."""
    signals = windows.reshape(len(windows), CUT.length, -1).transpose(0, 2, 1)
    return torch.from_numpy(signals.reshape(len(windows), -1).copy()).float()


DETECTORS: dict[str, Detector] = {
    "hourglass": partial(_ours, form="full"),
    "hourglass-fast": partial(_ours, form="fast"),
    "hourglass-sequence-autoencoder": partial(_of_windows, score=_sequence),
    "sklearn-isolation-forest": partial(_of_windows, score=_forest),
    "sklearn-knn-5": partial(_of_windows, score=_neighbours),
}
