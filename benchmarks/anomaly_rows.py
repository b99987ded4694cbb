"""Hourglass's own detectors of strange rows, as the benchmark runs them. Not the peers."""

from dataclasses import replace
from functools import partial

import torch

from benchmarks.anomaly_sets import Array, Split
from models.detectors.cells import Table
from models.detectors.detector import DetectorConfig
from models.detectors.fit import fit_detector
from models.detectors.recipes import Regime


def detect(split: Split, seed: int, *, config: DetectorConfig) -> Array:
    """Fit to all rows that the protocol gives, none held out, and score the others.

    The regime is the protocol's: rows that are fitted and scored alike may be strange.
    """
    regime: Regime = "contaminated" if split.train is split.test else "clean"
    chosen = replace(config, regime=regime, calibration_share=0.0)
    generator = torch.Generator().manual_seed(seed)
    detector = fit_detector(columns_of(split.train), chosen, generator=generator).detector
    scores: Array = detector.score(columns_of(split.test)).scores.numpy()
    return scores


def columns_of(rows: Array) -> Table:
    """Rows (n_rows, n_columns) as columns by number."""
    return {str(num): rows[:, num] for num in range(rows.shape[1])}


OURS = {
    "hourglass": partial(detect, config=DetectorConfig()),
    "hourglass-fast": partial(detect, config=DetectorConfig(form="fast")),
}
