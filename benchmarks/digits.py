"""What a code keeps of a handwritten digit, beside as many principal components.

python -m benchmarks.digits

For each seed a fifth of scikit-learn's bundled digits is held out for test. The architecture is
chosen, size by size, by k-NN accuracy on a fifth of the others; then it is fitted to all of them.
Digits and cuts are those of `image_data.py`. Labels are learnt in `image_recognition.py`, not here.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.image_data import Labelled, cut, digits
from models.estimators import AutoencoderTransformer

Array = np.ndarray[Any, Any]

CANDIDATES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "deep, tanh": (
        "deep",
        {"hidden_dims": (256, 128), "activation": "tanh", "dropout_rate": 0.0},
    ),
    "deep, silu": (
        "deep",
        {"hidden_dims": (256, 128), "activation": "silu", "dropout_rate": 0.0},
    ),
    "denoising, silu": (
        "denoising",
        {"hidden_dims": (256, 128), "activation": "silu", "corruption_rate": 0.1},
    ),
}
"""A name -> kind and options; the size of the code is added."""
N_NEIGHBOURS = 5
SIDE, HELD_OUT = 8, 0.2


@dataclass(frozen=True)
class Kept:
    """Of held-out images: the share of the variance lost, and the share of digits recognised."""

    error: float
    accuracy: float


def kept(reducer: Any, fitted_to: Labelled, judged_by: Labelled) -> Kept:
    """How a fitted reducer does on images that it has not seen."""
    known, asked = _pixels(fitted_to), _pixels(judged_by)
    codes, judged = reducer.transform(known), reducer.transform(asked)
    lost = np.square(reducer.inverse_transform(judged) - asked).sum()
    variance = np.square(asked - known.mean(axis=0)).sum()
    neighbours = KNeighborsClassifier(N_NEIGHBOURS).fit(codes, fitted_to.labels)
    return Kept(float(lost / variance), float(neighbours.score(judged, judged_by.labels)))


def _pixels(part: Labelled) -> Array:
    """(n, 64)"""
    return part.rows.double().numpy()


def reducer_of(name: str, size: int, seed: int) -> AutoencoderTransformer:
    """An unfitted candidate with a code of that size; pixels keep their common unit."""
    kind, options = CANDIDATES[name]
    return AutoencoderTransformer(
        kind,
        latent_dim=size,
        options=options,
        scaling="table",
        epochs=60,
        learning_rate=2e-3,
        batch_size=64,
        random_state=seed,
    )


def choose(train: Labelled, size: int, seed: int) -> str:
    """The candidate that recognises most on a part of the training images; then, loses least."""
    fitted_to, judged_by = cut(train, HELD_OUT, seed)
    figures = {
        name: kept(reducer_of(name, size, seed).fit(_pixels(fitted_to)), fitted_to, judged_by)
        for name in CANDIDATES
    }
    return max(figures, key=lambda name: (figures[name].accuracy, -figures[name].error))


def table(sizes: list[int], seeds: list[int]) -> str:
    """The comparison as Markdown: mean ± standard deviation over the seeds."""
    part = digits(SIDE)
    lines = [
        "| code | variance lost: PCA | autoencoder | recognised: PCA | autoencoder | chosen |",
        "|---|---|---|---|---|---|",
    ]
    for size in sizes:
        pca, ours, chosen = [], [], []
        for seed in seeds:
            train, test = cut(part, HELD_OUT, seed)
            chosen.append(choose(train, size, seed))
            reducer = reducer_of(chosen[-1], size, seed).fit(_pixels(train))
            ours.append(kept(reducer, train, test))
            pca.append(kept(PCA(size, random_state=seed).fit(_pixels(train)), train, test))
        lines.append(_line(size, pca, ours, chosen))
    return "\n".join(lines)


def _line(size: int, pca: list[Kept], ours: list[Kept], chosen: list[str]) -> str:
    errors = [_spread([each.error for each in side]) for side in (pca, ours)]
    accuracies = [_spread([each.accuracy for each in side]) for side in (pca, ours)]
    names = "; ".join(f"{name} ({chosen.count(name)})" for name in dict.fromkeys(sorted(chosen)))
    return f"| {size} | {' | '.join([*errors, *accuracies, names])} |"


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.digits", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 8, 16])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    print(table(arguments.sizes, arguments.seeds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
