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
from models.detectors.growing import OnStep, in_silence
from models.detectors.image_members import (
    IMAGE_FITS,
    MAX_JUDGED,
    N_CODES,
    ImageGround,
    ImageMember,
    ImageMemberName,
    reference_scores_of,
)
from models.detectors.pictures import Components, prepare_pictures
from models.detectors.told import Scored
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
CHUNK = 256
"""Pictures that are judged together."""


@dataclass(frozen=True)
class ImageDetectorConfig:
    """How a detector of pictures is fitted."""

    members: tuple[ImageMemberName, ...] = ()
    """Other members than the usual, in equal parts."""
    calibration_share: float = 0.2
    """Share of the pictures held out of training for p-values; 0: none, and nothing is promised."""
    scores_own: bool = False
    """Pictures that are scored may be those of training: of those like the one scored to a hair,
    one is not counted among its neighbours."""

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
        found = self.error_maps(pictures)
        p = p_values(found.scores, self.calibration) if len(self.calibration) else None
        return Scored(found.rows, found.scores, p, found.problems)

    def error_maps(self, pictures: Tensor) -> ErrorMaps:
        """Where each usable picture is strange. Raises as `score`."""
        prepared = prepare_pictures(pictures, self.shape)
        maps, rest = self._judge(prepared.x)
        return ErrorMaps(
            rows=prepared.rows,
            scores=maps.sum(dim=1) + rest,
            maps=maps.reshape(-1, *self.shape),
            unattributed=rest,
            problems=prepared.problems,
        )

    def threshold_at(self, alert_rate: float) -> float | None:
        """The score above which a picture is an anomaly at that rate; None: too few held out."""
        return threshold_at(alert_rate, self.calibration)

    def _judge(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What each pixel accounts for, (n, n_pixels), and what none does, (n,)."""
        maps, rest = torch.zeros_like(x), x.new_zeros(len(x))
        for start in range(0, len(x), CHUNK):
            part = slice(start, start + CHUNK)
            for member, factor in zip(self.members.values(), self.factors, strict=True):
                told, untold = member.judge(x[part])
                maps[part] += told * factor
                rest[part] += untold * factor
        return maps, rest


@dataclass(frozen=True)
class FittedImages:
    """A detector, and the pictures from which it could not learn."""

    detector: ImageDetector
    problems: tuple[RowProblem, ...]


def fit_images(
    pictures: Tensor,
    config: ImageDetectorConfig,
    *,
    generator: torch.Generator,
    on_step: OnStep = in_silence,
) -> FittedImages:
    """Fit to the usable pictures (n, channels, height, width) in [0, 1]; on_step is told how far
    that is.

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
    ground = ImageGround(x, shape, components, generator, config.scores_own, on_step)
    weights = dict.fromkeys(config.members, 1.0) or WEIGHTS
    members = {name: fit(ground) for name, fit in IMAGE_FITS.items() if name in weights}
    factors, scores = _weighed(members, weights, x)
    detector = ImageDetector(
        config=config,
        shape=shape,
        components=components,
        members=members,
        factors=factors,
        calibration=torch.zeros(0, dtype=torch.float64),
        contamination=estimate_contamination(scores),
    )
    maps, rest = detector._judge(held_out)
    calibration = maps.sum(dim=1) + rest
    return FittedImages(replace(detector, calibration=calibration), prepared.problems)


def _weighed(
    members: dict[ImageMemberName, ImageMember], weights: dict[ImageMemberName, float], x: Tensor
) -> tuple[Tensor, Tensor]:
    """What each member's errors count, (n_members,), and what some of the pictures x (n, n_pixels)
    score as if they were others.
    """
    some = x[:: max(1, len(x) // MAX_JUDGED)]
    errors = [reference_scores_of(member, some) for member in members.values()]
    shares = torch.tensor([weights[name] for name in members], dtype=torch.float64)
    typical = torch.tensor([typical_of(each) for each in errors], dtype=torch.float64)
    factors = shares / shares.sum() / typical
    return factors, torch.stack(errors, dim=1) @ factors


def _shape_of(pictures: Tensor) -> tuple[int, int, int]:
    if pictures.dim() != 4 or not pictures.numel():
        detail = f"Pictures are {tuple(pictures.shape)}; they must be (n, channels, height, width)."
        raise RowsError(detail)
    channels, height, width = pictures.shape[1:]
    return channels, height, width
