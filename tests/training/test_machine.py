"""What freed memory is kept for, and that it is given back."""

import ctypes
from pathlib import Path

import pytest
import torch

from pipelines.machine import kept_memory


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def test_freed_memory_is_kept_meanwhile_and_given_back_at_the_end() -> None:
    with kept_memory():
        before = resident_mb()
        large = torch.ones(50_000_000)
        del large
        assert resident_mb() > before + 150
    assert resident_mb() < before + 50


def test_without_glibc_nothing_is_different(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    with kept_memory():
        assert torch.ones(3).sum() == 3
