"""How well images are rebuilt, beside two plain ways, and whether that may go live.

The plain ways are the mean image and as many principal components as the code has numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.autoencoders.base import Network
from pipelines.errors import FieldError, InvalidInput
from pipelines.images.catalogue import Shape
from pipelines.images.split import ImageSplit, Pixels, as_rows, squared_errors
from pipelines.training.evaluate import standard_error
from pipelines.training.gate import Verdict

MAX_FOR_COMPONENTS = 5_000
"""Training images, drawn, from which the principal components are computed."""
OVERSAMPLING, ITERATIONS = 10, 4
"""Of the randomised range finder (Halko, Martinsson & Tropp 2011, alg. 4.4)."""


def check_memory(n_images: int, shape: Shape, *, memory_bytes: int) -> None:
    """Raise InvalidInput, with the gigabytes, unless a run on so many images fits in that much."""
    # Bytes a number: three copies as bytes while they are kept; later one, and the components.
    n_components_of = min(n_images, MAX_FOR_COMPONENTS)
    needed = prod(shape) * max(3 * n_images, n_images + 5 * n_components_of)
    if needed > memory_bytes:
        channels, height, width = shape
        detail = (
            f"{n_images:,} images of {width}x{height} pixels and {channels} channels need "
            f"{needed / 1e9:.1f} GB of memory and {memory_bytes / 1e9:.1f} GB are available. Set a "
            "smaller side, channels = 1, or a category, in [images]."
        )
        raise InvalidInput(detail, errors=[FieldError("/images/side", detail)])


@dataclass(frozen=True)
class Errors:
    """Mean squared error of each test image, (n_test,), by the network and by the plain ways."""

    network: Pixels
    mean_image: Pixels
    components: Pixels
    n_components: int

    def summary(self) -> dict[str, Any]:
        """Mean and standard error of each."""
        ways = {"test": self.network, "mean image": self.mean_image, "PCA": self.components}
        return {name: {"mse": _figure(values)} for name, values in ways.items()}


def _figure(values: Pixels) -> dict[str, float | None]:
    error = standard_error(values)
    return {"mean": float(values.mean()), "se": error if np.isfinite(error) else None}


def measure(network: Network, split: ImageSplit, code_dim: int, seed: int) -> Errors | None:
    """The errors on the test images; None where there are none."""
    if not len(split.test):
        return None
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm(len(split.train), generator=generator)[:MAX_FOR_COMPONENTS]
    train = as_rows(split.pixels(split.train[drawn.sort().values.numpy()]))
    mean = train.mean(dim=0)
    n_components = min(code_dim, *train.shape)
    axes = principal_axes(train.sub_(mean), n_components, generator)  # in place: it is large
    test = split.pixels(split.test)
    return Errors(
        squared_errors(network.reconstruct, test),
        squared_errors(lambda _: mean, test),
        squared_errors(lambda some: mean + (some - mean) @ axes @ axes.T, test),
        n_components,
    )


def principal_axes(x: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """The first n principal axes of centred rows (n_rows, width), as columns: (width, n).

    Found in a random subspace that a few products with x turn towards them.
    """
    width = min(n + OVERSAMPLING, *x.shape)
    basis = x.T @ torch.randn(len(x), width, generator=generator)
    for _ in range(ITERATIONS):
        basis = x.T @ (x @ torch.linalg.qr(basis).Q)
    basis = torch.linalg.qr(basis).Q  # (width of x, width)
    _, _, turns = torch.linalg.svd(x @ basis, full_matrices=False)
    axes: Tensor = basis @ turns[:n].T
    return axes


def judge_images(errors: Errors | None, rival: Callable[[], Pixels | None] | None) -> Verdict:
    """Promote unless the candidate rebuilds images no better than the mean image does, or worse
    than the active artifact by more than one standard error of the paired difference.

    rival: the errors of the active artifact on the same images, None of images of another shape;
    no rival: nothing is live yet.
    """
    if errors is None:
        reason = "Promoted without judging: there are fewer than 50 images, so all of them train."
        return Verdict(True, (reason,))
    ours, plain = errors.network.mean(), errors.mean_image.mean()
    better = bool(ours < plain)
    reasons = (
        f"mse is {ours:.5f}, {'below' if better else 'not below'} the mean image's {plain:.5f}.",
        f"{errors.n_components} principal components would have {errors.components.mean():.5f}.",
    )
    holds, sentence = _against(errors, rival)
    return Verdict(better and holds, (*reasons, sentence))


def _against(errors: Errors, rival: Callable[[], Pixels | None] | None) -> tuple[bool, str]:
    if rival is None:
        return True, "No artifact was active that could be compared."
    theirs = rival()
    if theirs is None:
        return True, "The active artifact reads images of another shape: its errors do not compare."
    difference = errors.network - theirs
    mean, error = difference.mean(), standard_error(difference)
    holds = bool(mean <= error)
    return holds, (
        f"mse differs by {mean:+.5f} from the active artifact's on the same images (standard error "
        f"of the difference {error:.5f}): {'no worse than' if holds else 'worse than'} it."
    )
