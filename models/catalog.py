"""The list of network kinds: name -> class and config. The one place a new kind is entered."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch

from models.autoencoders.base import Network
from models.autoencoders.denoising import DenoisingAutoencoder, DenoisingConfig
from models.autoencoders.undercomplete import UndercompleteAutoencoder, UndercompleteConfig
from models.errors import choice_error


@dataclass(frozen=True)
class Kind:
    """A network class and the frozen dataclass of its hyperparameters."""

    network: type[Any]
    config: type[Any]


KINDS: dict[str, Kind] = {
    "undercomplete": Kind(UndercompleteAutoencoder, UndercompleteConfig),
    "denoising": Kind(DenoisingAutoencoder, DenoisingConfig),
}


def get_kind(name: str) -> Kind:
    """The kind of that name. Raises ConfigError that lists the valid names."""
    if name not in KINDS:
        raise choice_error("kind", name, KINDS)
    return KINDS[name]


def make_config(kind: str, values: Mapping[str, Any]) -> Any:
    """The kind's config from plain values, as TOML and JSON give them (lists become tuples)."""
    config = get_kind(kind).config
    known = [field.name for field in fields(config)]
    for name in values:
        if name not in known:
            raise choice_error(f"option of {kind}", name, known)
    return config(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def config_values(config: Any) -> dict[str, Any]:
    """The plain values of a config; `make_config` of them gives an equal one."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}


def build(
    kind: str, values: Mapping[str, Any], *, n_items: int, generator: torch.Generator
) -> Network:
    """A fresh network of that kind, its weights drawn from the generator."""
    config = make_config(kind, values)
    network: Network = get_kind(kind).network(config, n_items=n_items, generator=generator)
    return network
