"""Numbered lines of a byte stream in bounded memory. What is on a line is not looked at here."""

from collections.abc import Iterable, Iterator
from typing import IO

BLOCK_BYTES = 1 << 20
MAX_LINE_BYTES = 4 << 20
"""A longer line is given cut off, and is bad as it stands: some 500,000 items fit in this."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def numbered_lines(stream: IO[bytes], *, skip: int = 0) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers from 1, without line ends; the first `skip` are left out.

    A byte order mark is taken off. A line ends with LF or CR LF.
    """
    number = 0
    for lines in _line_blocks(stream):
        if number == 0:
            lines[0] = lines[0].removeprefix(BYTE_ORDER_MARK)
        for line in lines:
            number += 1
            if number > skip:
                yield number, line


def without_blanks(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The numbered lines that have something on them."""
    return (numbered for numbered in lines if not numbered[1].isspace() and numbered[1])


def _line_blocks(stream: IO[bytes]) -> Iterator[list[bytes]]:
    """At least one line at a time; work that most lines do not need is done for all together."""
    rest = b""
    has_returns = False
    while block := stream.read(BLOCK_BYTES):
        has_returns = has_returns or b"\r" in block
        first, *others = block.split(b"\n")
        # One byte more than allowed is kept, so that the line still counts as too long.
        rest = (rest + first)[: MAX_LINE_BYTES + 1]
        if others:
            lines = [rest, *others[:-1]]
            yield [line.removesuffix(b"\r") for line in lines] if has_returns else lines
            rest = others[-1]
    if rest:
        yield [rest.removesuffix(b"\r")]
