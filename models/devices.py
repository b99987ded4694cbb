"""Where a network trains: on the processor, or on a GPU. Answers are the processor's always."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.errors import ConfigError

DeviceName = Literal["cpu", "cuda", "auto"]

DEVICES: tuple[DeviceName, ...] = ("cpu", "cuda", "auto")
"""`auto` is the GPU where torch sees one, the processor elsewhere."""


def device_of(name: DeviceName) -> torch.device:
    """The device of that name. Raises ConfigError for a GPU where there is none."""
    sees_gpu = torch.cuda.is_available()
    if name == "cuda" and not sees_gpu:
        detail = (
            "device is 'cuda' and torch sees no GPU here. Take 'auto' or 'cpu', or train where "
            "there is one, with a torch that was built for it."
        )
        raise ConfigError("device", detail)
    return torch.device("cuda" if sees_gpu and name != "cpu" else "cpu")


def generator_on(device: torch.device, generator: torch.Generator) -> torch.Generator:
    """One that draws on the device, seeded from the one given; on the processor that one itself."""
    if device.type == generator.device.type:
        return generator
    seed = int(torch.randint(1 << 62, (), generator=generator))
    return torch.Generator(device).manual_seed(seed)


def kept(tree: Any) -> Any:
    """The same nested values, each tensor a copy on the processor that shares no memory."""
    if isinstance(tree, Tensor):
        return tree.detach().to("cpu", copy=True)
    if isinstance(tree, Mapping):
        return {key: kept(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(kept(value) for value in tree)
    return tree


def anywhere(network: nn.Module, answer: Callable[[Any], Tensor]) -> Callable[[Any], Tensor]:
    """What the network answers to rows on the processor, there again, wherever the network is."""
    device = next(chain(network.parameters(), network.buffers())).device
    return lambda rows: answer(rows.to(device)).cpu()
