"""The detector of strange pictures: fit it to usual ones, score others, see where they are strange.

feature errors (of pixels) -> score -> p-value -> is_anomaly -> contributions (an error map, and
what no pixel accounts for). What a p-value promises is in models/scoring/calibration.py.
"""

from dataclasses import dataclass, replace
from typing import get_args

import torch
from torch import Tensor

from models.detectors.cells import RowProblem
from models.detectors.contamination import estimate_contamination, typical_of
from models.detectors.detector import Scored
from models.detectors.image_members import (
    IMAGE_FITS,
    MAX_JUDGED,
    N_CODES,
    ImageGround,
    ImageMember,
    ImageMemberName,
    reference_errors_of,
)
from models.detectors.pictures import Components, prepare_pictures
from models.errors import ConfigError, RowsError, choice_error
from models.scoring.calibration import p_values, threshold_at

WEIGHTS: dict[ImageMemberName, float] = {
    "components": 0.1,
    "neighbours": 1.0,
    "forest": 1.0,
    "restoring": 0.8,
}
"""Members with their weights, chosen as docs/adr/0017-pictures-upright-and-windows.md tells."""
LEAST_PICTURES = 2


@dataclass(frozen=True)
class ImageDetectorConfig:
    """How a detector of pictures is fitted."""

    members: tuple[ImageMemberName, ...] = ()
    """Other members than the usual, in equal parts."""
    calibration_share: float = 0.2
    """Share of the pictures held out of training for p-values; 0: none, and nothing is promised."""

    def __post_init__(self) -> None:
        for name in self.members:
            if name not in get_args(ImageMemberName):
                raise choice_error("members", name, get_args(ImageMemberName))
        if not 0 <= self.calibration_share < 1:
            detail = f"calibration_share is {self.calibration_share}; it must be in [0, 1)."
            raise ConfigError("calibration_share", detail)


@dataclass(frozen=True)
class ErrorMaps:
    """Why pictures are strange: rows (n_good,), their numbers; maps (n_good, channels, height,
    width) and unattributed (n_good,), which sum to scores (n_good,).
    """

    rows: Tensor
    scores: Tensor
    maps: Tensor
    unattributed: Tensor
    problems: tuple[RowProblem, ...]


@dataclass(frozen=True)
class ImageDetector:
    """A fitted detector of pictures of one shape (channels, height, width).

    components: what members that see codes share. factors (n_members,): what each member's errors
    count: its weight by its score of a typical training picture. calibration (n,): scores of
    pictures held out. contamination: the estimated share of strange pictures among those of
    training.
    """

    config: ImageDetectorConfig
    shape: tuple[int, int, int]
    components: Components
    members: dict[ImageMemberName, ImageMember]
    factors: Tensor
    calibration: Tensor
    contamination: float

    def score(self, pictures: Tensor) -> Scored:
        """How strange each usable picture (n, channels, height, width) in [0, 1] is; the others are
        listed with what is wrong with them. Raises RowsError for another shape.
        """
        prepared = prepare_pictures(pictures, self.shape)
        scores = self._errors(prepared.x).sum(dim=1)
        p = p_values(scores, self.calibration) if len(self.calibration) else None
        return Scored(prepared.rows, scores, p, prepared.problems)

    def error_maps(self, pictures: Tensor) -> ErrorMaps:
        """Where each usable picture is strange. Raises as `score`."""
        prepared = prepare_pictures(pictures, self.shape)
        errors = self._errors(prepared.x)
        maps = torch.zeros_like(prepared.x)
        for member, factor in zip(self.members.values(), self.factors, strict=True):
            maps += member.error_maps(prepared.x) * factor
        return ErrorMaps(
            prepared.rows,
            errors.sum(dim=1),
            maps.reshape(-1, *self.shape),
            errors[:, 1],
            prepared.problems,
        )

    def threshold_at(self, alert_rate: float) -> float | None:
        """The score above which a picture is an anomaly at that rate; None: too few held out."""
        return threshold_at(alert_rate, self.calibration)

    def _errors(self, x: Tensor) -> Tensor:
        """(n, 2): what pixels account for, and what none does."""
        errors = x.new_zeros(len(x), 2)
        if len(x):
            for member, factor in zip(self.members.values(), self.factors, strict=True):
                errors += member.errors(x) * factor
        return errors


@dataclass(frozen=True)
class FittedImages:
    """A detector, and the pictures from which it could not learn."""

    detector: ImageDetector
    problems: tuple[RowProblem, ...]


def fit_images(
    pictures: Tensor, config: ImageDetectorConfig, *, generator: torch.Generator
) -> FittedImages:
    """Fit to the usable pictures (n, channels, height, width) in [0, 1].

    Raises RowsError when fewer than two that differ are left to learn from: from one picture,
    nothing can be told of how others vary.
    """
    shape = _shape_of(pictures)
    prepared = prepare_pictures(pictures, shape)
    order = torch.randperm(len(prepared.x), generator=generator)
    n_held_out = int(len(order) * config.calibration_share)
    x, held_out = prepared.x[order[n_held_out:].sort().values], prepared.x[order[:n_held_out]]
    if len(x) < LEAST_PICTURES or bool((x == x[0]).all()):
        detail = f"{len(x)} pictures are left to learn from, and they must be two that differ."
        raise RowsError(detail)
    components = Components.fit(x, n_codes=N_CODES, generator=generator)
    ground = ImageGround(x, shape, components, generator)
    weights = dict.fromkeys(config.members, 1.0) or WEIGHTS
    members = {name: fit(ground) for name, fit in IMAGE_FITS.items() if name in weights}
    some = x[:: max(1, len(x) // MAX_JUDGED)]
    errors = [reference_errors_of(member, some).sum(dim=1) for member in members.values()]
    shares = torch.tensor([weights[name] for name in members], dtype=torch.float64)
    typical = torch.tensor([typical_of(each) for each in errors], dtype=torch.float64)
    factors = shares / shares.sum() / typical
    detector = ImageDetector(
        config=config,
        shape=shape,
        components=components,
        members=members,
        factors=factors,
        calibration=torch.zeros(0, dtype=torch.float64),
        contamination=estimate_contamination(torch.stack(errors, dim=1) @ factors),
    )
    calibration = detector._errors(held_out).sum(dim=1)
    return FittedImages(replace(detector, calibration=calibration), prepared.problems)


def _shape_of(pictures: Tensor) -> tuple[int, int, int]:
    if pictures.dim() != 4 or not pictures.numel():
        detail = f"Pictures are {tuple(pictures.shape)}; they must be (n, channels, height, width)."
        raise RowsError(detail)
    channels, height, width = pictures.shape[1:]
    return channels, height, width
