"""The kinds of detectors of tables, and how each is kept. What they have in common: told.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from models.detectors.detector import RowDetector
from models.detectors.kept import pack, pack_windows, unpack, unpack_windows
from models.detectors.kept_images import pack_images, unpack_images
from models.detectors.packing import prefixed, under, values_of
from models.detectors.regions import RegionDetector
from models.detectors.series import SeriesDetector
from models.detectors.series_tables import Layout
from models.detectors.told import Detector
from models.errors import RowsError

Tensors = dict[str, Tensor]
Values = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """A kind of detector: its class, and how it becomes tensors and values, and comes back."""

    kind: type
    pack: Callable[[Any], tuple[Tensors, Values]]
    unpack: Callable[[Mapping[str, Tensor], Mapping[str, Any]], Detector]


def pack_detector(detector: Detector) -> tuple[Tensors, Values]:
    """All of a detector: tensors by name, and values that JSON can hold."""
    name, kept = next(
        (name, each) for name, each in KINDS.items() if isinstance(detector, each.kind)
    )
    tensors, values = kept.pack(detector)
    return tensors, {"kind": name, **values}


def unpack_detector(tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> Detector:
    """The detector that `pack_detector` was given. Raises RowsError for another format."""
    kind = values.get("kind", "rows")
    if kind not in KINDS:
        raise RowsError(f"The detector is of the kind {kind!r}, which is not known here.")
    return KINDS[kind].unpack(tensors, values)


def _pack_regions(detector: RegionDetector) -> tuple[Tensors, Values]:
    tensors, values = pack_images(detector.images)
    own = {"column_weights": detector.column_weights, "held_out": detector.held_out}
    return {**prefixed("images", tensors), **own}, {"images": values}


def _unpack_regions(tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> RegionDetector:
    images = unpack_images(under("images", tensors), values["images"])
    return RegionDetector(images, tensors["column_weights"], tensors["held_out"])


def _pack_series(detector: SeriesDetector) -> tuple[Tensors, Values]:
    tensors, values = pack_windows(detector.windows)
    own = {"layout": values_of(detector.layout), "takes": dict(detector.takes)}
    return tensors, {**values, **own}


def _unpack_series(tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> SeriesDetector:
    windows = unpack_windows(tensors, values)
    return SeriesDetector(windows, Layout(**values["layout"]), dict(values["takes"]))


KINDS: dict[str, Kept] = {
    "rows": Kept(RowDetector, pack, unpack),
    "regions": Kept(RegionDetector, _pack_regions, _unpack_regions),
    "series": Kept(SeriesDetector, _pack_series, _unpack_series),
}
