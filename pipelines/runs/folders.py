"""Where the files of runs are, and which runs have some. What is in them: `files.py`."""

from pathlib import Path

from pipelines.registry.store import Store

SNAPSHOTS, CHECKPOINTS = "snapshots", "checkpoints"
"""Folders of the home; a run has one of its own in each."""


def runs_with_files(home: Path) -> set[str]:
    """The ids of the runs that have left files behind."""
    store = Store(str(home))
    return {*store.names(SNAPSHOTS), *store.names(CHECKPOINTS)}


def remove_files(home: Path, run_id: str) -> None:
    """Remove all files of a run; those that are gone already are no fault."""
    store = Store(str(home))
    for folder in (SNAPSHOTS, CHECKPOINTS):
        store.remove(f"{folder}/{run_id}")
