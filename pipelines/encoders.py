"""Published weights of the image networks: checked, and kept in the home. Not trained ones.

A file is taken only as safetensors, which is data. A pickle is a program: reading it runs it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from models.encoders.catalog import (
    ENCODERS,
    build_encoder,
    encoder_config_values,
    make_encoder_config,
)
from models.encoders.weights import check_weights
from models.errors import ConfigError, choice_error
from pipelines.errors import FieldError, InvalidInput, NotFound
from pipelines.registry.store import Store

FOLDER = "encoders"
"""Of the home."""
PICKLED = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")
PICKLE_STARTS = (b"PK", b"\x80")
"""How torch's files begin: a zip with a pickle in it, or, older ones, the pickle itself."""


@dataclass(frozen=True)
class EncoderFacts:
    """What one may want to know of a network before using it."""

    encoder: str
    parameters: int
    """Auxiliary heads, which only train, aside."""
    least_side: int
    """Of the smallest image that it reads, in pixels."""
    embedding_dim: int
    loaded: bool
    """Whether published weights of it are in the home."""


@dataclass(frozen=True)
class EncoderLayer:
    """A layer on the way to the last maps, and the pixels that one of its values sees."""

    layer: str
    sees: int
    step: int


@dataclass(frozen=True)
class TakenWeights:
    """What was taken from a file."""

    encoder: str
    tensors: int
    parameters: int
    path: Path


def list_encoders(home: Path) -> list[EncoderFacts]:
    """Every image network, in the order of the catalog."""
    return [facts_of(home, name) for name in ENCODERS]


def facts_of(home: Path, name: str) -> EncoderFacts:
    """What there is to know of one. Raises NotFound that lists the names."""
    network = _outline(name)
    counts = {each: p.numel() for each, p in network.named_parameters()}
    return EncoderFacts(
        name,
        sum(count for each, count in counts.items() if not each.startswith("aux")),
        network.smallest_side,
        network.embedding_dim,
        _path(home, name).exists(),
    )


def layers_of(name: str) -> list[EncoderLayer]:
    """Its layers from the image on. Raises NotFound that lists the names."""
    seen = _outline(name).receptive_fields()
    return [EncoderLayer(layer, field.size, field.step) for layer, field in seen.items()]


def table_of(name: str) -> dict[str, Any]:
    """Its table: each option with its default. Raises NotFound that lists the names."""
    _outline(name)
    return encoder_config_values(make_encoder_config(name))


def take_weights(home: Path, name: str, path: Path) -> TakenWeights:
    """Check a file of weights with torchvision's names and keep it, in place of an earlier one.

    Raises InvalidInput that says what is wrong with the file; the home is then as it was.
    """
    network = _outline(name)
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.")
    _refuse_pickles(path)
    with _refusals(path):
        with safe_open(path, framework="pt") as file:
            shapes = {each: file.get_slice(each).get_shape() for each in file.keys()}  # noqa: SIM118
        check_weights(network, shapes)
        tensors = load_file(path)
        for each, tensor in tensors.items():
            if not torch.isfinite(tensor).all():
                detail = f"{each} holds values that are no numbers; fetch the file again."
                raise ConfigError(each, detail)
    Store(str(home / FOLDER)).write(f"{name}.safetensors", path.read_bytes())
    count = sum(prod(shape) for shape in shapes.values())
    return TakenWeights(name, len(shapes), count, _path(home, name))


def _outline(name: str) -> Any:
    if name not in ENCODERS:
        detail = choice_error("encoder", name, ENCODERS).detail
        raise NotFound(detail, errors=[FieldError("/encoder", detail)])
    return build_encoder(name, generator=None)


def _path(home: Path, name: str) -> Path:
    return home / FOLDER / f"{name}.safetensors"


def _refuse_pickles(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(2)
    if path.suffix.lower() in PICKLED or start.startswith(PICKLE_STARTS):
        detail = (
            f"{path.name} is a pickle, and to read one is to run whatever code is in it. Take the "
            "network's .safetensors file; or, where you trust this one, read it with torch.load "
            "(weights_only=True) and write what it holds with safetensors.torch.save_file."
        )
        raise InvalidInput(detail, errors=[FieldError("/file", detail)])


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """What is wrong with a file, as the error of whoever brought it."""
    try:
        yield
    except SafetensorError as error:
        detail = f"{path.name} is no whole safetensors file ({error}); fetch it again."
        raise InvalidInput(detail, errors=[FieldError("/file", detail)]) from None
    except ConfigError as error:
        pointer = FieldError(f"/file/{error.field}", error.detail)
        raise InvalidInput(error.detail, errors=[pointer]) from None
