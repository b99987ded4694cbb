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
from models.detectors.locality import Locality
from models.detectors.mahalanobis import Mahalanobis
from models.detectors.members import CodeMember, ForestMember, Member, MemberName, NetworksMember
from models.detectors.neighbours import Neighbours
from models.detectors.networks import NetworksConfig, RowNetworks
from models.detectors.packing import prefixed, rebuilt, tensors_of, under, values_of
from models.detectors.preparation import ColumnPlan, RowPreparation
from models.detectors.windows import WindowDetector, WindowsConfig
from models.errors import RowsError

FORMAT, READ = 4, (3, 4)
"""Of what `pack` gives, and those that are read; another number is refused."""
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
        "column_weights": detector.column_weights,
        "held_out": detector.held_out,
    }
    if detector.locality is not None:
        tensors |= prefixed("locality", tensors_of(detector.locality))
    networks = _networks_of(detector.members)
    if networks:
        tensors |= prefixed("networks", dict(networks.state_dict()))
    members: Values = {}
    for name, member in detector.members.items():
        thing = _thing_of(member)
        tensors |= prefixed(f"members.{name}", tensors_of(thing) if thing else {})
        members[name] = values_of(thing) if thing else {}
    values = {
        "format": FORMAT,
        "config": asdict(detector.config),
        "columns": [values_of(plan) for plan in preparation.columns],
        "networks": networks
        and {
            "n_features": networks.n_items,
            "config": values_of(networks.config),
        },
        "members": members,
        "regime": detector.regime,
        "contamination": detector.contamination,
    }
    return tensors, values


def unpack(tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> RowDetector:
    """The detector that `pack` was given. Raises RowsError for another format."""
    if values.get("format") not in READ:
        detail = f"The detector is of format {values.get('format')}, not {FORMAT}; fit it again."
        raise RowsError(detail)
    columns = tuple(rebuilt(ColumnPlan, {}, plan) for plan in values["columns"])
    networks = _networks(under("networks", tensors), values["networks"])
    members: dict[Any, Member] = {
        name: _unpack_member(name, under(f"members.{name}", tensors), held, networks)
        for name, held in values["members"].items()
    }
    locality = under("locality", tensors)
    return RowDetector(
        config=rebuilt(DetectorConfig, {}, values["config"]),
        preparation=RowPreparation(columns, **under("preparation", tensors)),
        members=members,
        factors=tensors["factors"],
        locality=Locality(**locality) if locality else None,
        calibration=tensors["calibration"],
        regime=values["regime"],
        contamination=values["contamination"],
        column_weights=tensors["column_weights"],
        held_out=tensors["held_out"],
    )


def pack_windows(detector: WindowDetector) -> tuple[Tensors, Values]:
    """All of a detector of windows, as `pack` gives that of its rows."""
    tensors, rows = pack(detector.rows)
    values = {
        "length": detector.config.length,
        "step": detector.config.step,
        "columns": list(detector.columns),
        "rows": rows,
    }
    own = {"column_weights": detector.column_weights, "held_out": detector.held_out}
    return {**prefixed("rows", tensors), **own}, values


def unpack_windows(tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> WindowDetector:
    """The detector that `pack_windows` was given. Raises RowsError for another format."""
    rows = unpack(under("rows", tensors), values["rows"])
    return WindowDetector(
        config=WindowsConfig(values["length"], values["step"], rows.config),
        columns=tuple(values["columns"]),
        rows=rows,
        column_weights=tensors["column_weights"],
        held_out=tensors["held_out"],
    )


def _networks_of(members: Mapping[MemberName, Member]) -> RowNetworks | None:
    """The autoencoders that score, or whose codes do: one and the same."""
    for member in members.values():
        if isinstance(member, NetworksMember):
            return member.networks
        if isinstance(member, CodeMember):
            return member.networks.networks
    return None


def _thing_of(member: Member) -> Any:
    """The dataclass that a member holds besides networks, or is; None where there is none."""
    if isinstance(member, NetworksMember):
        return None
    if isinstance(member, ForestMember):
        return member.forest
    return member.head if isinstance(member, CodeMember) else member


def _unpack_member(
    name: str, tensors: Tensors, values: Values, networks: NetworksMember | None
) -> Member:
    if networks and name == "networks":
        return networks
    if name == "forest":
        return ForestMember(rebuilt(Forest, tensors, values))
    head = rebuilt(HEADS[name.removeprefix("code-")], tensors, values)
    return CodeMember(networks, head) if networks and name.startswith("code-") else head


def _networks(tensors: Tensors, values: Values | None) -> NetworksMember | None:
    if values is None:
        return None
    networks = RowNetworks(
        rebuilt(NetworksConfig, {}, values["config"]),
        n_features=values["n_features"],
        grain=1.0,  # of the levels, which are among the tensors
        generator=torch.Generator(),
    )
    networks.double().load_state_dict(tensors)
    return NetworksMember(networks)
