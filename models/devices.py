"""Where a network trains: on the processor, or on a GPU. Answers are the processor's always."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
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
    if name == "cpu" or not sees_gpu:
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def generator_on(device: torch.device, generator: torch.Generator) -> torch.Generator:
    """One that draws on the device, seeded from the one given; on the processor that one itself."""
    if device.type == generator.device.type:
        return generator
    seed = int(torch.randint(1 << 62, (), generator=generator))
    return torch.Generator(device).manual_seed(seed)


class Place:
    """Where one fit happens: its device, and the generator of what is drawn there.

    The network is brought there, and back by `leave`. Raises ConfigError for a GPU where there is
    none.
    """

    def __init__(self, name: DeviceName, network: nn.Module, generator: torch.Generator) -> None:
        self.device = device_of(name)
        self.drawing = generator_on(self.device, generator)
        self._network = network.to(self.device)

    def state(self) -> dict[str, Tensor]:
        """Of the generator, under the device on which it draws."""
        return {self.drawing.device.type: self.drawing.get_state()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to it; after a state of another device what is drawn goes on as it is."""
        if self.drawing.device.type in state:
            self.drawing.set_state(state[self.drawing.device.type])

    def leave(self) -> None:
        """Bring the network back to the processor, and give the free memory of a GPU back."""
        self._network.to("cpu")
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def kept(tree: Any) -> Any:
    """The same nested values, each tensor a copy on the processor that shares no memory."""
    if isinstance(tree, Tensor):
        # A copy of a tensor that is one number expanded takes no more memory than that number.
        return deepcopy(tree.detach()) if tree.device.type == "cpu" else tree.detach().cpu()
    if isinstance(tree, Mapping):
        return {key: kept(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(kept(value) for value in tree)
    return tree


@contextmanager
def within_memory(batch_size: int) -> Iterator[None]:
    """Raise ConfigError where a GPU's memory does not hold a batch of so many rows."""
    try:
        yield
    except torch.OutOfMemoryError:
        detail = (
            f"The GPU's memory does not hold the network, its moments and a batch of {batch_size} "
            "rows. Take a smaller batch_size, or device = 'cpu'."
        )
        raise ConfigError("device", detail) from None


def anywhere(network: nn.Module, answer: Callable[[Any], Tensor]) -> Callable[[Any], Tensor]:
    """What the network answers to rows on the processor, there again, wherever the network is."""
    first = next(chain(network.parameters(), network.buffers()), None)
    if first is None or first.device.type == "cpu":
        return answer
    return lambda rows: answer(rows.to(first.device)).cpu()
