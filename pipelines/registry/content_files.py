"""A content tower as part of an artifact: numbers as tensors, names as JSON."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from scipy import sparse
from torch import Tensor

from models.content import Tower
from pipelines.content.features import feature_map_of
from pipelines.content.tower import ContentTower

CONTENT = "content.json"
"""The file with the names; there is none where there is no tower."""
PREFIX = "content."
"""Of the names of the tensors, in the file of weights."""


def tower_tensors(tower: ContentTower) -> dict[str, Tensor]:
    """The numbers, by name."""
    features = tower.tower.features
    arrays = {
        "item_nums": tower.item_nums,
        "unseen_nums": tower.unseen_nums,
        "inverse": tower.tower.inverse,
        "weights": tower.tower.weights,
        "features": features.data,
        "indices": features.indices,
        "offsets": features.indptr,
    }
    return {f"{PREFIX}{name}": torch.from_numpy(array) for name, array in arrays.items()}


def tower_json(tower: ContentTower) -> bytes:
    """The names, the level and what the manifest says."""
    values = {
        **tower.feature_map.values(),
        "level": tower.tower.level,
        "facts": dict(tower.facts),
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True).encode()


def read_tower(content: bytes, tensors: Mapping[str, Tensor]) -> ContentTower:
    """The tower of these files."""
    values: dict[str, Any] = json.loads(content)
    arrays = {
        name.removeprefix(PREFIX): tensor.numpy()
        for name, tensor in tensors.items()
        if name.startswith(PREFIX)
    }
    shape = (len(arrays["item_nums"]), len(arrays["inverse"]))
    features = sparse.csr_array(
        (arrays["features"], arrays["indices"], arrays["offsets"]), shape=shape
    )
    return ContentTower(
        feature_map_of(values),
        Tower(features, arrays["weights"], arrays["inverse"], values["level"]),
        arrays["item_nums"],
        arrays["unseen_nums"],
        values["facts"],
    )
