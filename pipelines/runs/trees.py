"""Nested values with tensors in them as bytes: safetensors, and JSON for all else. No pickle.

Dicts with any keys, lists, tuples, tensors and what JSON knows come back as they were; tensors
share no memory with those that went in.
"""

import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load as tensors_from
from safetensors.torch import save as bytes_of
from torch import Tensor

_OUTLINE = "outline"
"""Name of the tensor whose bytes are the JSON; those of the tree are called by numbers."""


def to_bytes(tree: Any) -> bytes:
    """The tree as one file. Raises TypeError for values of any other kind."""
    tensors: dict[str, Tensor] = {}
    outline = json.dumps(_outlined(tree, tensors), ensure_ascii=False).encode()
    return bytes_of({**tensors, _OUTLINE: torch.frombuffer(bytearray(outline), dtype=torch.uint8)})


def from_bytes(content: bytes) -> Any:
    """The tree that `to_bytes` was given."""
    tensors = tensors_from(content)
    outline = tensors.pop(_OUTLINE).numpy().tobytes()
    return _filled(json.loads(outline), tensors)


def _outlined(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The value with `[what, content]` in place of all that JSON would change or lose."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().clone().contiguous()
        return ["tensor", name]
    if isinstance(value, Mapping):
        return ["dict", [[key, _outlined(inner, tensors)] for key, inner in value.items()]]
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return [kind, [_outlined(inner, tensors) for inner in value]]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a tree")


def _filled(outline: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(outline, list):
        return outline
    kind, content = outline
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _filled(inner, tensors) for key, inner in content}
    parts = [_filled(inner, tensors) for inner in content]
    return parts if kind == "list" else tuple(parts)
