"""How far a long computation is, told to whoever asked. Not the epochs of training."""

from collections.abc import Callable

OnChunk = Callable[[int, int], None]
"""Called with how many are done, and how many there are."""


def untold(done: int, total: int) -> None:
    """Nobody asked."""
