"""Numbered lines of a byte stream in bounded memory. What is on a line is not looked at here."""

from collections.abc import Iterator
from typing import BinaryIO

BLOCK_BYTES = 1 << 20
MAX_LINE_BYTES = 4 << 20
"""A longer line is given cut off, and is bad as it stands: some 500,000 items fit in this."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def numbered_lines(stream: BinaryIO, *, skip: int = 0) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers from 1, without line ends; the first `skip` are left out.

    A byte order mark is taken off. A line ends with LF or CR LF.
    """
    for number, line in enumerate(_split_lines(stream), start=1):
        if number > skip:
            text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            yield number, text[:-1] if text.endswith(b"\r") else text


def _split_lines(stream: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(BLOCK_BYTES):
        first, *others = block.split(b"\n")
        # One byte more than allowed is kept, so that the line still counts as too long.
        rest = (rest + first)[: MAX_LINE_BYTES + 1]
        if others:
            yield rest
            yield from others[:-1]
            rest = others[-1]
    if rest:
        yield rest
