"""A detector as tensors and plain values, and back: what safetensors and JSON hold. Not the files.

What comes back scores as what went in did.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from models.detectors.detector import DetectorConfig, RowDetector
from models.detectors.forest import Forest
from models.detectors.mahalanobis import Mahalanobis
from models.detectors.members import CodeMember, ForestMember, Member, NetworksMember
from models.detectors.neighbours import Neighbours
from models.detectors.networks import NetworksConfig, RowNetworks
from models.detectors.packing import prefixed, rebuilt, tensors_of, under, values_of
from models.detectors.preparation import ColumnPlan, RowPreparation
from models.errors import RowsError

FORMAT = 1
"""Of what `pack` gives; another number is refused."""
HEADS: dict[str, type[Neighbours] | type[Mahalanobis]] = {
    "neighbours": Neighbours,
    "robust-neighbours": Neighbours,
    "mahalanobis": Mahalanobis,
}

Tensors = dict[str, Tensor]
Values = dict[str, Any]


def pack(detector: RowDetector) -> tuple[Tensors, Values]:
    """All of a detector: tensors by name, and values that JSON can hold."""
    preparation = detector.preparation
    tensors = {
        **prefixed("preparation", tensors_of(preparation)),
        "factors": detector.factors,
        "calibration": detector.calibration,
    }
    members: Values = {}
    for name, member in detector.members.items():
        held, members[name] = _pack_member(member)
        tensors |= prefixed(f"members.{name}", held)
    values = {
        "format": FORMAT,
        "config": asdict(detector.config),
        "columns": [values_of(plan) for plan in preparation.columns],
        "members": members,
        "regime": detector.regime,
        "contamination": detector.contamination,
    }
    return tensors, values


def unpack(tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> RowDetector:
    """The detector that `pack` was given. Raises RowsError for another format."""
    if values.get("format") != FORMAT:
        detail = f"The detector is of format {values.get('format')}, not {FORMAT}; fit it again."
        raise RowsError(detail)
    columns = tuple(rebuilt(ColumnPlan, {}, plan) for plan in values["columns"])
    members: dict[Any, Member] = {}
    for name, held in values["members"].items():
        members[name] = _unpack_member(name, under(f"members.{name}", tensors), held, members)
    return RowDetector(
        config=rebuilt(DetectorConfig, {}, values["config"]),
        preparation=RowPreparation(columns, **under("preparation", tensors)),
        members=members,
        factors=tensors["factors"],
        calibration=tensors["calibration"],
        regime=values["regime"],
        contamination=values["contamination"],
    )


def _pack_member(member: Member) -> tuple[Tensors, Values]:
    if isinstance(member, NetworksMember):
        networks = member.networks
        config = {"n_features": networks.n_items, "config": values_of(networks.config)}
        return dict(networks.state_dict()), config
    thing = _thing_of(member)
    return tensors_of(thing), values_of(thing)


def _thing_of(member: Member) -> Any:
    """The dataclass that a member holds, or is."""
    if isinstance(member, ForestMember):
        return member.forest
    return member.head if isinstance(member, CodeMember) else member


def _unpack_member(
    name: str, tensors: Tensors, values: Values, members: Mapping[str, Member]
) -> Member:
    if name == "networks":
        return NetworksMember(_networks(tensors, values))
    if name == "forest":
        return ForestMember(rebuilt(Forest, tensors, values))
    head = rebuilt(HEADS[name.removeprefix("code-")], tensors, values)
    networks = members.get("networks")
    if name.startswith("code-") and isinstance(networks, NetworksMember):
        return CodeMember(networks, head)
    return head


def _networks(tensors: Tensors, values: Values) -> RowNetworks:
    networks = RowNetworks(
        rebuilt(NetworksConfig, {}, values["config"]),
        n_features=values["n_features"],
        grain=1.0,  # of the levels, which are among the tensors
        generator=torch.Generator(),
    )
    networks.double().load_state_dict(tensors)
    return networks
