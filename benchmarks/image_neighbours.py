"""Do near pictures show the same thing? Precision@10 by pixels, components and the autoencoder.

Every picture of the test part asks for its ten nearest among those of the train part that the
autoencoder was fitted to; the share of them that are of its own class is averaged. The figures on
validation are of pictures cut from the train part.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from sklearn.decomposition import PCA
from torch import Tensor
from torch.nn import functional as F

from benchmarks.image_autoencoder import NETWORK, pretrained
from benchmarks.image_data import Labelled, cut, fashion_mnist
from benchmarks.image_recognition import OnProgress
from models.autoencoders.convolutional import ConvolutionalAutoencoder
from models.autoencoders.whitening import Whitening

VALIDATION = 2_000
N_NEAREST = 10
CHUNK = 500

Way = Callable[[Tensor], Tensor]
"""From rows of pixels, (n, n_pixels), to what is compared, (n, width)."""


def neighbours_task(
    folder: Path, seed: int, limit: int | None, on_progress: OnProgress
) -> dict[str, float]:
    """Precision@10 on the test part, and with `validation` before the name on the other."""
    train, test = fashion_mnist(folder, limit)
    gallery, validation = cut(train, min(VALIDATION, len(train) // 5), seed)
    network = pretrained(gallery.rows, seed, on_progress)
    with torch.inference_mode():
        figures = {}
        for name, way in ways_of(gallery.rows, network).items():
            kept = way(gallery.rows)
            for part, queries in (("", test), ("validation ", validation)):
                figures[part + name] = precision(kept, gallery, way(queries.rows), queries)
    return figures


def ways_of(x: Tensor, network: ConvolutionalAutoencoder) -> dict[str, Way]:
    """What is compared, by name; components and spreads are learnt from x, (n, n_pixels)."""
    components = PCA(NETWORK.latent_dim, svd_solver="covariance_eigh").fit(x.numpy())

    def reduced(rows: Tensor) -> Tensor:
        return torch.from_numpy(components.transform(rows.numpy())).float()

    assert NETWORK.whitening is not None
    evened = Whitening(NETWORK.latent_dim, NETWORK.whitening)
    evened.learn(reduced(x))
    return {
        "pixels": lambda rows: rows,
        "pixels, cosine": F.normalize,
        "PCA": reduced,
        "PCA, cosine": lambda rows: F.normalize(reduced(rows)),
        "PCA, evened out": lambda rows: evened(reduced(rows)),
        "autoencoder, code": lambda rows: _in_parts(network.encode, rows),
        "autoencoder, embedding": lambda rows: _in_parts(partial(_embedding, network), rows),
    }


def precision(kept: Tensor, gallery: Labelled, asked: Tensor, queries: Labelled) -> float:
    """The mean share of a query's ten nearest, by Euclidean distance, that are of its class.

    kept (n, width), asked (n_queries, width)
    """
    sizes = kept.square().sum(dim=1)
    right = 0
    for part, labels in zip(asked.split(CHUNK), queries.labels.split(CHUNK), strict=True):
        nearest = (sizes - 2 * part @ kept.T).topk(N_NEAREST, largest=False).indices
        right += int((gallery.labels[nearest] == labels[:, None]).sum())
    return right / (len(queries) * N_NEAREST)


def _embedding(network: ConvolutionalAutoencoder, rows: Tensor) -> Tensor:
    embedding = network.user_embeddings(rows, "code")
    assert embedding is not None
    return embedding


def _in_parts(way: Way, rows: Tensor) -> Tensor:
    return torch.cat([way(part) for part in rows.split(CHUNK)])
