"""The lists of networks: name -> reader and table. The one place a new one is entered."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

import torch

from models.encoders.alexnet import ALEXNET
from models.encoders.base import ImageEncoder
from models.encoders.googlenet import GOOGLENET, GoogLeNet, Inception
from models.encoders.layers import Conv, Dense, Dropout, LocalResponse, Pool
from models.encoders.lenet import LENET
from models.encoders.resnet import RESNETS, ResNet, Stage
from models.encoders.sequential import SequentialEncoder
from models.encoders.signals import SEQUENCE, VOLUME
from models.encoders.small import padded_lenet, small_googlenet, small_resnet, small_sequential
from models.encoders.vgg import PHASES, vgg
from models.encoders.zfnet import ZFNET
from models.errors import ConfigError, choice_error, option_error
from models.options import check_types


@dataclass(frozen=True)
class Architecture:
    """A table, what reads it, and what makes it one for small images."""

    encoder: type[ImageEncoder]
    config: Any
    small: Callable[[Any], Any] = lambda config: config


ENCODERS: dict[str, Architecture] = {
    "lenet": Architecture(SequentialEncoder, LENET, padded_lenet),
    "alexnet": Architecture(SequentialEncoder, ALEXNET, small_sequential),
    "zfnet": Architecture(SequentialEncoder, ZFNET, small_sequential),
    "googlenet": Architecture(GoogLeNet, GOOGLENET, small_googlenet),
    "vgg11": Architecture(SequentialEncoder, vgg(PHASES["vgg11"]), small_sequential),
    "vgg13": Architecture(SequentialEncoder, vgg(PHASES["vgg13"]), small_sequential),
    "vgg16": Architecture(SequentialEncoder, vgg(PHASES["vgg16"]), small_sequential),
    "vgg19": Architecture(SequentialEncoder, vgg(PHASES["vgg19"]), small_sequential),
    "resnet18": Architecture(ResNet, RESNETS["resnet18"], small_resnet),
    "resnet34": Architecture(ResNet, RESNETS["resnet34"], small_resnet),
    "resnet50": Architecture(ResNet, RESNETS["resnet50"], small_resnet),
    "resnet101": Architecture(ResNet, RESNETS["resnet101"], small_resnet),
    "resnet152": Architecture(ResNet, RESNETS["resnet152"], small_resnet),
}
"""Over images."""

SIGNAL_ENCODERS: dict[str, Architecture] = {
    "sequence": Architecture(SequentialEncoder, SEQUENCE),
    "volume": Architecture(SequentialEncoder, VOLUME),
}
"""Over signals along one axis, and over volumes and clips along three."""

LINES: dict[Any, type[Any]] = {
    "conv": Conv,
    "pool": Pool,
    "response": LocalResponse,
    "inception": Inception,
    "stage": Stage,
    "dense": Dense,
    "dropout": Dropout,
}
"""What a line of a table may be, by the name in its `layer`."""


def get_architecture(name: str) -> Architecture:
    """The architecture of that name. Raises ConfigError that lists the valid names."""
    architectures = ENCODERS | SIGNAL_ENCODERS
    if name not in architectures:
        raise choice_error("encoder", name, architectures)
    return architectures[name]


def make_encoder_config(
    name: str, values: Mapping[str, Any] | None = None, *, small: bool = False
) -> Any:
    """The network's table, changed by plain values as TOML and JSON give them.

    A line is an object such as {"layer": "conv", "filters": 32, "size": 3, "padding": 1}; a list
    of lines stands for the whole of its part of the table. `small`: with the small-image stem.
    """
    architecture = get_architecture(name)
    config = architecture.small(architecture.config) if small else architecture.config
    known = [each.name for each in fields(config)]
    for option in values or {}:
        if option not in known:
            raise option_error(name, option, known)
    changes = {option: _read(value) for option, value in (values or {}).items()}
    changed = replace(config, **changes)  # which says better than a type what lines it takes
    check_types(type(config), changes)
    return changed


def encoder_config_values(config: Any) -> dict[str, Any]:
    """The plain values of a table; `make_encoder_config` of them gives an equal one."""
    values: dict[str, Any] = _plain(asdict(config))
    return values


def build_encoder(
    name: str,
    values: Mapping[str, Any] | None = None,
    *,
    small: bool = False,
    generator: torch.Generator | None,
) -> ImageEncoder:
    """A fresh network, its weights drawn from the generator; without one it has shapes only."""
    config = make_encoder_config(name, values, small=small)
    return get_architecture(name).encoder(config, generator=generator)


def _read(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_read(each) for each in value)
    if not isinstance(value, Mapping):
        return value
    options = {option: _read(each) for option, each in value.items()}
    layer = options.pop("layer", None)
    if layer not in LINES:
        raise choice_error("layer", layer, LINES)
    known = [each for each in fields(LINES[layer]) if each.init]
    for option in options:
        if option not in [each.name for each in known]:
            raise option_error(layer, option, [each.name for each in known])
    for each in known:
        if each.default is MISSING and each.name not in options:
            raise ConfigError(each.name, f"A line {layer!r} lacks {each.name}; give it a value.")
    check_types(LINES[layer], options)
    return LINES[layer](**options)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
