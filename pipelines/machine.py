"""What the machine has to give. Not what a training asks for."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of glibc's malloc.h: how much is kept that is free, and what is returned at once."""
KEPT, USUAL = (2**31 - 1, 1 << 30), (64 << 20, 32 << 20)
"""Bytes of both: all that training frees; what glibc comes to by itself."""


@contextmanager
def kept_memory() -> Iterator[None]:
    """Meanwhile this process keeps memory that it frees: gradients of tens of megabytes come and go
    with each batch, and new pages take longer than the numbers in them. It is given back at the
    end. Where the C library is another than glibc nothing is different.
    """
    _set_thresholds(*KEPT)
    try:
        yield
    finally:
        _set_thresholds(*USUAL)
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def _set_thresholds(trim: int, mmap: int) -> None:
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(TRIM_THRESHOLD, trim)
        library.mallopt(MMAP_THRESHOLD, mmap)


def available_memory(*, meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> int:
    """Bytes that this process may still take: of the machine, or of its container if less."""
    return min(_of_machine(meminfo), _of_container(cgroup) or 1 << 62)


def _of_machine(meminfo: Path) -> int:
    """What the kernel counts as available; half of all memory where it does not say."""
    try:
        return 1024 * _field(meminfo.read_text(), "MemAvailable:")
    except (OSError, LookupError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _of_container(cgroup: Path) -> int | None:
    """The control group's limit less what is in use; files it merely caches do not count."""
    try:
        limit = int((cgroup / "memory.max").read_text())
        used = int((cgroup / "memory.current").read_text())
        cached = _field((cgroup / "memory.stat").read_text(), "inactive_file")
    except (OSError, ValueError, LookupError):
        return None
    return max(0, limit - used + cached)


def _field(text: str, name: str) -> int:
    for line in text.splitlines():
        words = line.split()
        if words[0] == name:
            return int(words[1])
    raise LookupError(name)
