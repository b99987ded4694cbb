"""How large things become: a layer's output, what one output sees, how many weights. No tensors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import ConfigError


@dataclass(frozen=True)
class Window:
    """What slides along an axis: a filter or a pool."""

    size: int
    stride: int = 1
    padding: int = 0
    """Entries added on each side."""
    round_up: bool = False
    """Whether a last window that reaches beyond the end counts, as long as it begins inside."""

    def __post_init__(self) -> None:
        for field, least in (("size", 1), ("stride", 1), ("padding", 0)):
            value = getattr(self, field)
            if not isinstance(value, int) or value < least:
                detail = f"{field} is {value!r}; it must be a whole number of at least {least}."
                raise ConfigError(field, detail)


@dataclass(frozen=True)
class ReceptiveField:
    """What one output of a layer sees of the input: `size` entries along an axis.

    Its neighbour sees as many, `step` further.
    """

    size: int
    step: int


def output_size(n: int, window: Window, *, exact: bool = False) -> int:
    """(N - F + 2P) / S + 1, rounded down (up, where the window says so).

    Raises ConfigError when the window does not fit at all, and with `exact` when the quotient is
    not whole: then some entries at the end are read by no window.
    """
    room = n - window.size + 2 * window.padding
    if room < 0:
        raise _too_large(n, window)
    steps, left = divmod(room, window.stride)
    if left and exact:
        raise _not_whole(room, n, window)
    begins_inside = (steps + 1) * window.stride < n + window.padding
    return steps + 1 + int(bool(left) and window.round_up and begins_inside)


def output_sizes(n: int, windows: Sequence[Window]) -> list[int]:
    """The size after each of a stack of layers."""
    sizes = []
    for window in windows:
        n = output_size(n, window)
        sizes.append(n)
    return sizes


def smallest_input(windows: Sequence[Window]) -> int:
    """The least size of which a stack of layers leaves anything."""
    n = 1
    for window in reversed(windows):
        n = max(1, (n - 1) * window.stride + window.size - 2 * window.padding)
    while not _fits(n, windows):  # a window that rounds up may, or may not, need less
        n += 1
    while n > 1 and _fits(n - 1, windows):
        n -= 1
    return n


def receptive_fields(windows: Sequence[Window]) -> list[ReceptiveField]:
    """The receptive field of each of a stack of layers, the padding counted as input."""
    fields = []
    size, step = 1, 1
    for window in windows:
        size += (window.size - 1) * step
        step *= window.stride
        fields.append(ReceptiveField(size, step))
    return fields


def filter_weights(sizes: Sequence[int], *, in_channels: int = 1, filters: int = 1) -> int:
    """Weights of a convolution, biases aside: all places share them, so the input has no say."""
    return math.prod(sizes) * in_channels * filters


def dense_weights(n_in: int, n_out: int) -> int:
    """Weights of a dense layer, biases aside: one for every pair of an input and an output."""
    return n_in * n_out


def _fits(n: int, windows: Sequence[Window]) -> bool:
    try:
        output_sizes(n, windows)
    except ConfigError:
        return False
    return True


def _too_large(n: int, window: Window) -> ConfigError:
    least = math.ceil((window.size - n) / 2)
    detail = (
        f"A window of {window.size} does not fit into {n} entries with a padding of "
        f"{window.padding}. Take a size of at most {n + 2 * window.padding}, or a padding of at "
        f"least {least}."
    )
    return ConfigError("size", detail)


def _not_whole(room: int, n: int, window: Window) -> ConfigError:
    fitting = [str(s) for s in range(1, room + 1) if room % s == 0]
    detail = (
        f"({n} - {window.size} + 2*{window.padding}) / {window.stride} is not whole: the windows "
        f"do not end where the input does. Take a stride among {', '.join(fitting)}, change the "
        "padding, or do without exact, which rounds down."
    )
    return ConfigError("stride", detail)
