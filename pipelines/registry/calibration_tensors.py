"""The calibration among the tensors of an artifact, whose names begin neither with `network.` nor
with a tower's.
"""

import torch
from torch import Tensor

from models.scoring.anomaly import Scale
from models.scoring.calibrated import Calibration
from models.scoring.usual import Usual

SCORES, SURPRISES = "calibration", "calibration_surprises"
TEMPERATURE, USUAL = "temperature", "usual"


def calibration_tensors(calibration: Calibration) -> dict[str, Tensor]:
    """By name."""
    scale = calibration.scale
    return {
        SCORES: calibration.scores,
        SURPRISES: calibration.surprises,
        TEMPERATURE: torch.tensor([scale.temperature], dtype=torch.float64),
        USUAL: scale.usual.curve.contiguous(),
    }


def take_calibration(tensors: dict[str, Tensor]) -> Calibration:
    """What `calibration_tensors` made, taken out of the tensors.

    Artifacts of before there were scales have scores of another meaning: nothing is known by them.
    """
    scores = tensors.pop(SCORES)
    if USUAL not in tensors:
        return Calibration()
    scale = Scale(float(tensors.pop(TEMPERATURE)), Usual(tensors.pop(USUAL)))
    return Calibration(scores, tensors.pop(SURPRISES), scale)
