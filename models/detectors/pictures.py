"""From pictures to what detectors of strange ones see: roots of pixels, and codes of these.

The root of a pixel rather than the pixel: the eye too tells dark shades apart better than light
ones, and the noise of counted light is alike everywhere after a root (Anscombe 1948). Not scores.
"""

from dataclasses import dataclass

import torch
from sklearn.decomposition import PCA
from torch import Tensor

from models.detectors.cells import RowProblem
from models.errors import RowsError

ROUNDING = 1e-9
"""What is left of a picture, as a share of it and of the mean, that is rounding: it differs from
batch to batch."""


@dataclass(frozen=True)
class PreparedPictures:
    """The usable pictures: rows (n_good,), their numbers; x (n_good, n_pixels) float64, roots of
    their pixels; and the problems of the others.
    """

    rows: Tensor
    x: Tensor
    problems: tuple[RowProblem, ...]


def prepare_pictures(pictures: Tensor, shape: tuple[int, int, int]) -> PreparedPictures:
    """Pictures (n, channels, height, width) in [0, 1] -> roots, channel by channel.

    A picture with a value that is missing or outside [0, 1] is a problem of its own. Raises
    RowsError for pictures of another shape.
    """
    if pictures.dim() != 4 or tuple(pictures.shape[1:]) != shape:
        wanted = ", ".join(str(size) for size in shape)
        raise RowsError(f"Pictures are {tuple(pictures.shape)}; they must be (n, {wanted}).")
    flat = pictures.double().flatten(1)
    good = ((flat >= 0) & (flat <= 1)).all(dim=1)
    problems = [
        RowProblem(row, None, "The picture has values that are missing or outside 0 to 1.")
        for row in (~good).nonzero()[:, 0].tolist()
    ]
    return PreparedPictures(good.nonzero()[:, 0], flat[good].sqrt(), tuple(problems))


@dataclass(frozen=True)
class Components:
    """Principal components of training pictures: mean (n_pixels,), basis (n_codes, n_pixels) with
    orthonormal rows, scale: what codes are divided by, so that their mean square is 1.
    """

    mean: Tensor
    basis: Tensor
    scale: float

    @staticmethod
    def fit(x: Tensor, *, n_codes: int, generator: torch.Generator) -> "Components":
        """Of the rows x (n_rows, n_pixels), at most n_rows - 1 of them."""
        n = min(n_codes, len(x) - 1, x.shape[1])
        seed = int(torch.randint(2**31 - 1, (1,), generator=generator))
        solver = "randomized" if n < 0.5 * min(x.shape) else "full"
        found = PCA(n, svd_solver=solver, random_state=seed).fit(x.numpy())
        basis = torch.from_numpy(found.components_).contiguous()
        mean = torch.from_numpy(found.mean_)
        size = float(((x - mean) @ basis.T).square().mean().sqrt())
        return Components(mean, basis, size or 1.0)

    def codes(self, x: Tensor) -> Tensor:
        """(n_rows, n_codes)"""
        return (x - self.mean) @ self.basis.T / self.scale

    def restored(self, codes: Tensor) -> Tensor:
        """What codes stand for, (n_rows, n_pixels)."""
        return codes * self.scale @ self.basis + self.mean

    def residual(self, x: Tensor) -> Tensor:
        """What of the rows no code tells, (n_rows, n_pixels); nothing where it is but rounding."""
        left = x - self.restored(self.codes(x))
        size = x.norm(dim=1, keepdim=True) + self.mean.norm()
        told = left.norm(dim=1, keepdim=True) <= ROUNDING * size
        return left.masked_fill(told, 0.0)
