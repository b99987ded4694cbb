"""The list of network kinds: name -> class and config. The one place a new kind is entered."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import torch

from models.autoencoders.base import Network
from models.autoencoders.contractive import ContractiveAutoencoder, ContractiveConfig
from models.autoencoders.convolutional import ConvolutionalAutoencoder, ConvolutionalConfig
from models.autoencoders.deep import DeepAutoencoder, DeepConfig
from models.autoencoders.denoising import DenoisingAutoencoder, DenoisingConfig
from models.autoencoders.factorised import Factorised, FactorisedConfig
from models.autoencoders.joint import Joint, JointConfig, Member
from models.autoencoders.linear import LinearConfig, linear
from models.autoencoders.rating import RatingConfig, rating
from models.autoencoders.recvae import variational
from models.autoencoders.sequence import SequenceAutoencoder, SequenceConfig
from models.autoencoders.sparse import SparseAutoencoder, SparseConfig
from models.autoencoders.stacked import StackedAutoencoder, StackedConfig
from models.autoencoders.undercomplete import UndercompleteAutoencoder, UndercompleteConfig
from models.autoencoders.variational import VariationalConfig
from models.autoencoders.volume import VolumeAutoencoder, VolumeConfig
from models.errors import ConfigError, choice_error, option_error
from models.options import check_types

Subject = Literal["interactions", "images", "signals"]
"""What rows are of. Those of images and signals are dense, and have a shape: `config.shape`."""


@dataclass(frozen=True)
class Kind:
    """What makes a network (a class, or a function that chooses one by the config's form) and the
    frozen dataclass of its hyperparameters.
    """

    network: Callable[..., Network]
    config: type[Any]
    embeds: bool = True
    """Whether its networks, whatever their form, have item embeddings."""
    subject: Subject = "interactions"


def _joint(config: JointConfig, *, n_items: int, generator: torch.Generator) -> Joint:
    """A blend of fresh networks."""
    if not config.members:
        raise ConfigError("members", "A blend needs at least one member.")
    members = [
        build(member.kind, member.network, n_items=n_items, generator=generator)
        for member in config.parts
    ]
    return Joint(members, config.weights, n_items=n_items)


KINDS: dict[str, Kind] = {
    "undercomplete": Kind(UndercompleteAutoencoder, UndercompleteConfig),
    "sparse": Kind(SparseAutoencoder, SparseConfig),
    "denoising": Kind(DenoisingAutoencoder, DenoisingConfig),
    "contractive": Kind(ContractiveAutoencoder, ContractiveConfig),
    "stacked": Kind(StackedAutoencoder, StackedConfig),
    "deep": Kind(DeepAutoencoder, DeepConfig),
    "variational": Kind(variational, VariationalConfig),
    "linear": Kind(linear, LinearConfig, embeds=False),
    "factorised": Kind(Factorised, FactorisedConfig),
    "joint": Kind(_joint, JointConfig, embeds=False),
    "rating": Kind(rating, RatingConfig),
    "convolutional": Kind(
        ConvolutionalAutoencoder, ConvolutionalConfig, embeds=False, subject="images"
    ),
    "sequence": Kind(SequenceAutoencoder, SequenceConfig, embeds=False, subject="signals"),
    "volume": Kind(VolumeAutoencoder, VolumeConfig, embeds=False, subject="signals"),
}

EMBEDDING_KINDS = tuple(name for name, kind in KINDS.items() if kind.embeds)
"""The kinds of which every form has item embeddings."""


def get_kind(name: str) -> Kind:
    """The kind of that name. Raises ConfigError that lists the valid names."""
    if name not in KINDS:
        raise choice_error("kind", name, KINDS)
    return KINDS[name]


def kinds_of(subject: Subject) -> tuple[str, ...]:
    """The kinds that learn from such rows."""
    return tuple(name for name, kind in KINDS.items() if kind.subject == subject)


def check_subject(name: str, subject: Subject) -> None:
    """Raise ConfigError that names the kinds of the subject, unless that kind is one of them."""
    kind = get_kind(name)
    if kind.subject != subject:
        detail = (
            f"The kind {name} learns from {kind.subject}, not from {subject}; for those take one "
            f"of: {', '.join(kinds_of(subject))}."
        )
        raise ConfigError("kind", detail)


def make_config(kind: str, values: Mapping[str, Any]) -> Any:
    """The kind's config from plain values, as TOML and JSON give them (lists become tuples)."""
    config = get_kind(kind).config
    known = [field.name for field in fields(config)]
    for name in values:
        if name not in known:
            raise option_error(kind, name, known)
    check_types(config, values)
    made = config(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    if isinstance(made, JointConfig):
        for num, member in enumerate(made.parts):
            _check_member(f"members/{num}", member)
    return made


def _check_member(place: str, member: Member) -> None:
    """Raise ConfigError, with its place among the options, for one that cannot be used."""
    try:
        check_subject(member.kind, "interactions")
    except ConfigError as error:
        raise ConfigError(f"{place}/{error.field}", error.detail) from None
    try:
        make_config(member.kind, member.network)
    except ConfigError as error:
        raise ConfigError(f"{place}/network/{error.field}", error.detail) from None


def config_values(config: Any) -> dict[str, Any]:
    """The plain values of a config; `make_config` of them gives an equal one."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}


def build(
    kind: str, values: Mapping[str, Any], *, n_items: int, generator: torch.Generator
) -> Network:
    """A fresh network of that kind, its weights drawn from the generator."""
    config = make_config(kind, values)
    return get_kind(kind).network(config, n_items=n_items, generator=generator)
