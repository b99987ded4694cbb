"""What strange things can be looked for: of each task its cases, protocols and detectors."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import anomaly_images, anomaly_rows, anomaly_windows
from benchmarks.anomaly_peers import PEERS, Detector
from benchmarks.anomaly_sets import PROTOCOLS, SetError, Split, labelled_sets


@dataclass(frozen=True)
class Case:
    """One set, and what of it is fitted on and scored with a seed."""

    name: str
    split: Callable[[int], Split]


@dataclass(frozen=True)
class Task:
    """cases: from a folder (None where none was named) and a protocol. The first of the protocols
    is the default.
    """

    cases: Callable[[Path | None, str], Iterator[Case]]
    protocols: tuple[str, ...]
    detectors: Mapping[str, Detector]


def _rows(folder: Path | None, protocol: str) -> Iterator[Case]:
    for labelled in labelled_sets(named(folder, "a folder of ADBench sets")):
        yield Case(labelled.name, partial(PROTOCOLS[protocol], labelled))


def _images(folder: Path | None, protocol: str) -> Iterator[Case]:
    for name, split in anomaly_images.one_vs_rest(named(folder, "the folder of Fashion-MNIST")):
        yield Case(name, split)


def _windows(folder: Path | None, protocol: str) -> Iterator[Case]:
    for name in anomaly_windows.SERIES:
        yield Case(name, partial(anomaly_windows.split_of, name))


def named(folder: Path | None, what: str) -> Path:
    """The folder; raises SetError where none was named, which says what it should hold."""
    if folder is None:
        raise SetError(f"--data is missing: {what}.")
    return folder


TASKS = {
    "rows": Task(_rows, tuple(PROTOCOLS), {**anomaly_rows.OURS, **PEERS}),
    "images": Task(_images, ("one-class",), anomaly_images.DETECTORS),
    "windows": Task(_windows, ("one-class",), anomaly_windows.DETECTORS),
}
