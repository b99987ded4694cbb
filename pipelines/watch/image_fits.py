"""Detectors of images: what a fit to pictures of one size comes to.

Not how one is fitted (`models/detectors/regions.py`), nor where pictures come from
(`stored_images.py`).
"""

import torch

from models.detectors.growing import OnStep
from models.detectors.images import ImageDetectorConfig
from models.detectors.regions import IMAGE, check_pictures, fit_regions, n_held_out_of
from pipelines.watch.plans import ColumnUse, FittedTable, Plan, fitted_of, plan_of
from pipelines.watch.row_table import RowTable
from pipelines.watch.settings import DetectorSettings, refusals

USES = (ColumnUse(IMAGE, "image", n_missing=0, n_levels=None, constant=False),)


def plan_images(table: RowTable, settings: DetectorSettings) -> Plan:
    """What fitting would use. Raises InvalidInput where it would fail."""
    config = _config(settings)
    with refusals():
        check_pictures(table.columns, config)
    n_calibration = n_held_out_of(len(table), config)
    return plan_of(table, USES, (), (), n_usable=len(table), n_calibration=n_calibration)


def fit_pictures(table: RowTable, settings: DetectorSettings, *, on_step: OnStep) -> FittedTable:
    """Fit a detector of pictures."""
    generator = torch.Generator().manual_seed(settings.seed)
    with refusals():
        detector = fit_regions(
            table.columns, _config(settings), generator=generator, on_step=on_step
        )
    return fitted_of(table, detector, USES, (), ())


def _config(settings: DetectorSettings) -> ImageDetectorConfig:
    return ImageDetectorConfig(calibration_share=settings.config.calibration_share)
