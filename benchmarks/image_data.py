"""Pictures with labels for the benchmarks: Fashion-MNIST from a folder, scikit-learn's digits.

Nothing is downloaded, and nothing of the folder is copied. The digits serve `digits.py`
(what a code keeps of them) and `image_recognition.py` (LeNet).
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor

CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
"""Of Fashion-MNIST, by label."""


@dataclass(frozen=True)
class Labelled:
    """Pictures (n, channels, height, width) in [0, 1], and what each shows, (n,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def rows(self) -> Tensor:
        """A row of pixels a picture, (n, channels * height * width)."""
        return self.images.flatten(1)

    def of(self, chosen: Tensor) -> "Labelled":
        """Those with these numbers."""
        return Labelled(self.images[chosen], self.labels[chosen])


def fashion_mnist(folder: Path, limit: int | None = None) -> tuple[Labelled, Labelled]:
    """The train part and the test part; of each at most the first `limit` pictures."""
    parts = []
    for part in ("train", "t10k"):
        images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")[:limit]
        labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")[:limit]
        parts.append(Labelled(images[:, None].float() / 255, labels.long()))
    return parts[0], parts[1]


def read_idx(path: Path) -> Tensor:
    """The bytes of a gzipped IDX file, in its shape."""
    content = gzip.decompress(path.read_bytes())
    n_axes = content[3]
    shape = np.frombuffer(content, ">u4", count=n_axes, offset=4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes).reshape(shape)
    return torch.from_numpy(values.copy())


def digits(side: int) -> Labelled:
    """scikit-learn's 1,797 handwritten digits of 8 x 8, enlarged unless side is 8."""
    bunch = load_digits()
    images = torch.from_numpy(bunch.images)[:, None].float() / 16
    larger = torch.nn.functional.interpolate(images, (side, side), mode="bilinear")
    return Labelled(larger, torch.from_numpy(bunch.target).long())


def cut(part: Labelled, size: float | int, seed: int) -> tuple[Labelled, Labelled]:
    """The others, and a share or number of the pictures, each class alike in both."""
    kept, held = train_test_split(
        np.arange(len(part)), test_size=size, random_state=seed, stratify=part.labels.numpy()
    )
    return part.of(torch.from_numpy(kept)), part.of(torch.from_numpy(held))
