"""Fitted things as tensors and plain values, and back: what safetensors and JSON can hold.

A thing is a frozen dataclass whose fields are tensors and plain values. Not where files go.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from torch import Tensor

Thing = TypeVar("Thing")


def tensors_of(thing: Any) -> dict[str, Tensor]:
    """The fields of a dataclass that are tensors, by name."""
    held = {field.name: getattr(thing, field.name) for field in fields(thing)}
    return {name: value.contiguous() for name, value in held.items() if isinstance(value, Tensor)}


def values_of(thing: Any) -> dict[str, Any]:
    """The other fields, by name."""
    held = {field.name: getattr(thing, field.name) for field in fields(thing)}
    return {name: value for name, value in held.items() if not isinstance(value, Tensor)}


def rebuilt(kind: type[Thing], tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> Thing:
    """The dataclass with these fields; the lists of JSON become tuples."""
    return kind(**tensors, **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under `prefix.name`."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of the tensors that stand under the prefix, without it."""
    start = f"{prefix}."
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }
