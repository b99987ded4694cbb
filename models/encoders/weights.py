"""Weights from elsewhere, by the names that torchvision gives them. Not the files they come in."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from models.encoders.base import ImageEncoder
from models.errors import ConfigError

COUNTER = "num_batches_tracked"
"""A buffer that older files lack, and that no result depends on."""


def load_weights(network: ImageEncoder, tensors: Mapping[str, Tensor]) -> None:
    """Take all weights from the tensors, as `check_weights` lets them pass; the network is as it
    was where it does not.
    """
    check_weights(network, {name: tensor.shape for name, tensor in tensors.items()})
    own = network.state_dict()
    network.load_state_dict({name: tensors.get(name, tensor) for name, tensor in own.items()})


def check_weights(network: ImageEncoder, shapes: Mapping[str, Sequence[int]]) -> None:
    """Raise ConfigError that names the tensors at fault, unless tensors of these shapes are the
    network's.

    What it has no layer for may be among them only where it was built without a last layer or
    without auxiliary heads.
    """
    own = network.state_dict()
    missing = [name for name in own if name not in shapes and not name.endswith(COUNTER)]
    if missing:
        raise _error(missing, "missing; is this a file of another network?")
    spare = network.optional_tensors
    unknown = [name for name in shapes if name not in own and not name.startswith(spare)]
    if unknown:
        raise _error(unknown, "unknown to this network; is this a file of another one?")
    for name, tensor in own.items():
        given = shapes.get(name, tensor.shape)
        if tuple(given) != tuple(tensor.shape):
            detail = (
                f"{name} has the shape {tuple(given)}; this network needs "
                f"{tuple(tensor.shape)}. Build it with the file's own options."
            )
            raise ConfigError(name, detail)


def _error(names: list[str], what: str) -> ConfigError:
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    verb = "is" if len(names) == 1 else "are"
    return ConfigError(names[0], f"{shown} {verb} {what}")
