"""A detector of pictures as tensors and plain values, and back, as kept.py has that of rows."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from models.detectors.forest import Forest
from models.detectors.image_members import (
    ComponentsMember,
    ImageForestMember,
    ImageMember,
    ImageMemberName,
    NeighboursMember,
    RestoringMember,
)
from models.detectors.images import ImageDetector, ImageDetectorConfig
from models.detectors.neighbours import Neighbours
from models.detectors.packing import prefixed, rebuilt, tensors_of, under, values_of
from models.detectors.pictures import Components
from models.detectors.restoring import RestoringConfig, RestoringNetwork
from models.errors import RowsError

FORMAT = 1
"""Of what `pack_images` gives; another number is refused."""

Tensors = dict[str, Tensor]
Values = dict[str, Any]


def pack_images(detector: ImageDetector) -> tuple[Tensors, Values]:
    """All of a detector: tensors by name, and values that JSON can hold."""
    tensors = {
        **prefixed("components", tensors_of(detector.components)),
        "factors": detector.factors,
        "calibration": detector.calibration,
    }
    members: Values = {}
    for name, member in detector.members.items():
        held, members[name] = _packed(member)
        tensors |= prefixed(f"members.{name}", held)
    values = {
        "format": FORMAT,
        "config": asdict(detector.config),
        "shape": list(detector.shape),
        "scale": detector.components.scale,
        "members": members,
        "contamination": detector.contamination,
    }
    return tensors, values


def unpack_images(tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> ImageDetector:
    """The detector that `pack_images` was given. Raises RowsError for another format."""
    if values.get("format") != FORMAT:
        detail = f"The detector is of format {values.get('format')}, not {FORMAT}; fit it again."
        raise RowsError(detail)
    components = Components(**under("components", tensors), scale=values["scale"])
    channels, height, width = values["shape"]
    shape = (channels, height, width)
    members: dict[ImageMemberName, ImageMember] = {
        name: UNPACKED[name](under(f"members.{name}", tensors), held, components, shape)
        for name, held in values["members"].items()
    }
    return ImageDetector(
        config=rebuilt(ImageDetectorConfig, {}, values["config"]),
        shape=shape,
        components=components,
        members=members,
        factors=tensors["factors"],
        calibration=tensors["calibration"],
        contamination=values["contamination"],
    )


def _packed(member: ImageMember) -> tuple[Tensors, Values]:
    """What a member holds besides components."""
    if isinstance(member, ImageForestMember):
        return tensors_of(member.forest), values_of(member.forest)
    if isinstance(member, RestoringMember):
        tensors = prefixed("network", dict(member.network.state_dict()))
        tensors |= prefixed("near", tensors_of(member.near))
        return tensors, {
            "config": values_of(member.network.config),
            "near": values_of(member.near),
            "typical_error": member.typical_error,
            "typical_distance": member.typical_distance,
        }
    if isinstance(member, NeighboursMember):
        return tensors_of(member.near), values_of(member.near)
    assert isinstance(member, ComponentsMember)
    return {}, {"n": member.n}


def _restoring(
    tensors: Tensors, values: Values, components: Components, shape: tuple[int, int, int]
) -> ImageMember:
    config = rebuilt(RestoringConfig, {}, values["config"])
    network = RestoringNetwork(config, shape=shape, generator=torch.Generator())
    network.load_state_dict(under("network", tensors))
    return RestoringMember(
        network.eval(),
        rebuilt(Neighbours, under("near", tensors), values["near"]),
        typical_error=values["typical_error"],
        typical_distance=values["typical_distance"],
    )


UNPACKED: dict[ImageMemberName, Any] = {
    "components": lambda tensors, values, components, shape: ComponentsMember(
        components, values["n"]
    ),
    "neighbours": lambda tensors, values, components, shape: NeighboursMember(
        components, rebuilt(Neighbours, tensors, values)
    ),
    "forest": lambda tensors, values, components, shape: ImageForestMember(
        rebuilt(Forest, tensors, values)
    ),
    "restoring": _restoring,
}
"""What makes a member again of its tensors, its values, the components and the shape."""
