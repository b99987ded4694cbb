"""A detector of pictures as one of tables: a row is a picture, and its columns are regions of it.

So pictures are scored, explained, weighed and kept as rows are. Not what makes a picture strange:
images.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models.detectors.cells import Array, Table
from models.detectors.growing import OnStep, in_silence
from models.detectors.image_members import NeighboursMember
from models.detectors.images import ImageDetector, ImageDetectorConfig, fit_images
from models.detectors.told import Holds, Scored, Told
from models.errors import RowsError
from models.scoring.calibration import p_values

IMAGE = "image"
"""The column of a table of pictures: (n, channels, height, width) uint8."""
N_REGIONS = 8
"""Regions each way; from the top left, row by row."""
CHUNK = 512
"""Pictures that are in memory as numbers together."""


@dataclass(frozen=True)
class RegionDetector:
    """images: how pictures are judged, calibrated with none itself. Fields as `Detector` has them,
    a region being a column.
    """

    images: ImageDetector
    column_weights: Tensor
    held_out: Tensor

    @property
    def column_names(self) -> tuple[str, ...]:
        return region_names()

    @property
    def takes(self) -> dict[str, Holds]:
        return {IMAGE: "numeric"}

    @property
    def member_names(self) -> tuple[str, ...]:
        return tuple(self.images.members)

    @property
    def contamination(self) -> float:
        return self.images.contamination

    @property
    def calibration(self) -> Tensor:
        return (self.held_out * self.column_weights).sum(dim=1)

    def weigh(self, column_weights: Tensor) -> "RegionDetector":
        return replace(self, column_weights=column_weights)

    def score(self, table: Table) -> Scored:
        """How strange each picture is. Raises RowsError for pictures of another shape."""
        scores = (self.columns(table) * self.column_weights).sum(dim=1)
        calibration = self.calibration
        p = p_values(scores, calibration) if len(calibration) else None
        return Scored(torch.arange(len(scores)), scores, p, ())

    def tell(self, table: Table, rows: Sequence[int] | None = None) -> Told:
        """Why. Expected of a region is its mean shade in the nearest training pictures."""
        pixels = np.asarray(table[IMAGE])
        chosen = np.arange(len(pixels)) if rows is None else np.array(rows, dtype=np.int64)
        table = {IMAGE: pixels[chosen]}
        expected = torch.cat([_shades(self._expected(part)) for part in _chunks(table)])
        return Told(
            rows=torch.from_numpy(chosen),
            contributions=self.columns(table) * self.column_weights,
            observed=_all_shades(table).tolist(),
            expected=expected.tolist(),
            problems=(),
        )

    def shown(self, table: Table) -> Table:
        """The mean shade of each region, from 0 to 1."""
        return dict(zip(self.column_names, _all_shades(table).numpy().T, strict=True))

    def columns(self, table: Table) -> Tensor:
        """What each region adds before its weight, and last what none does: (n, n_regions + 1)."""
        parts = []
        for part in _chunks(table):
            found = self.images.error_maps(part)
            parts.append(torch.cat([_sums(found.maps), found.unattributed[:, None]], dim=1))
        return torch.cat(parts)

    def _expected(self, pictures: Tensor) -> Tensor:
        """Pictures as they should look."""
        x = pictures.flatten(1).sqrt()
        near = self.images.members.get("neighbours")
        if isinstance(near, NeighboursMember) and len(x):
            roots = near.expected(x)
        else:
            roots = self.images.components.mean.expand(len(x), -1)
        return roots.clamp(0, 1).square().reshape(pictures.shape)


def fit_regions(
    table: Table,
    config: ImageDetectorConfig,
    *,
    generator: torch.Generator,
    on_step: OnStep = in_silence,
) -> RegionDetector:
    """Fit to the pictures of a table. Raises RowsError as `check_pictures`."""
    check_pictures(table, config)
    pixels = np.asarray(table[IMAGE])
    n_held_out = n_held_out_of(len(pixels), config)
    order = torch.randperm(len(pixels), generator=generator).numpy()
    taught, kept_back = np.sort(order[n_held_out:]), np.sort(order[:n_held_out])
    fitted = fit_images(
        _as_pictures(pixels[taught]),
        replace(config, calibration_share=0.0, scores_own=True),
        generator=generator,
        on_step=on_step,
    )
    ones = torch.ones(len(region_names()) + 1, dtype=torch.float64)
    detector = RegionDetector(fitted.detector, ones, torch.zeros(0, len(ones), dtype=torch.float64))
    on_step("calibrating", 0, 1)
    if not n_held_out:
        return detector
    return replace(detector, held_out=detector.columns({IMAGE: pixels[kept_back]}))


def n_held_out_of(n: int, config: ImageDetectorConfig) -> int:
    """How many of n pictures are held out."""
    return int(n * config.calibration_share)


def check_pictures(table: Table, config: ImageDetectorConfig) -> None:
    """Raise RowsError where too few pictures are left to learn from, or all are alike."""
    pixels = np.asarray(table[IMAGE])
    n_taught = len(pixels) - n_held_out_of(len(pixels), config)
    if n_taught < 2:
        raise RowsError(
            "There is 1 image to learn from: nothing can be told from it of how others vary. "
            "Two that differ are the least."
        )
    if (pixels == pixels[0]).all():
        raise RowsError(f"All {len(pixels)} images are alike: two that differ are the least.")


def region_names() -> tuple[str, ...]:
    """From the top left, row by row: `region_0_0` to `region_7_7`."""
    places = range(N_REGIONS)
    return tuple(f"region_{down}_{right}" for down in places for right in places)


def _chunks(table: Table) -> Iterator[Tensor]:
    """The pictures of a table in [0, 1], some at a time; of none, none once."""
    pixels = np.asarray(table[IMAGE])
    for start in range(0, max(1, len(pixels)), CHUNK):
        yield _as_pictures(pixels[start : start + CHUNK])


def _as_pictures(pixels: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).double() / 255


def _sums(maps: Tensor) -> Tensor:
    """What each region of maps (n, channels, height, width) adds up to, (n, n_regions)."""
    height, width = maps.shape[2:]
    down, right = _membership(height), _membership(width)
    by_region: Tensor = torch.einsum("nchw,hd,wr->ndr", maps, down, right)
    return by_region.flatten(1)


def _shades(pictures: Tensor) -> Tensor:
    """Mean shade of each region of pictures, (n, n_regions)."""
    return _sums(pictures) / _sums(torch.ones_like(pictures[:1]))


def _all_shades(table: Table) -> Tensor:
    return torch.cat([_shades(part) for part in _chunks(table)])


def _membership(side: int) -> Tensor:
    """Which of the regions each of the pixels of a side is in, (side, N_REGIONS)."""
    nums = torch.arange(side) * N_REGIONS // side
    return torch.nn.functional.one_hot(nums, N_REGIONS).double()
