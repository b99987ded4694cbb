"""Where an export goes, its manifest, and the pointer to the newest one. Not what is in it.

A file appears under its name only when it is whole, then its manifest, then the pointer: whatever
ends an export early, `latest.json` names a whole file, the former one if need be. What one that
was killed left behind, the next one in that folder removes.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import BufferedRandom
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.errors import FieldError, InvalidInput

LATEST = "latest.json"
DEFAULT_ENDING = ".parquet"
_PARTIAL = re.compile(r"\..+\.(parquet|jsonl|csv|npz|json)\.\d+\.partial")
"""Names that `_beside` gives."""

OnRows = Callable[[int], None]
"""Told the number of rows written so far."""


@dataclass(frozen=True)
class Target:
    """The file to write; `pointer` is where the newest export of the folder is named, if at all."""

    path: Path
    pointer: Path | None


@dataclass(frozen=True)
class Manifest:
    """What was exported; it lies beside the file as `NAME.manifest.json`."""

    path: str
    rows: int
    artifact_id: str | None
    """None where no artifact has a part in it."""
    sha256: str
    format: str
    created_at: str


def target_of(to: Path, *, name: str, endings: tuple[str, ...]) -> Target:
    """`to` itself, or in a folder a file named by the time; a name without an ending is a folder.

    Raises InvalidInput for an ending that is not among `endings`.
    """
    if to.is_dir() or not to.suffix:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        return Target(to / f"{name}-{moment}{DEFAULT_ENDING}", to / LATEST)
    if to.suffix not in endings:
        detail = f"{to.name!r} should end in one of: {', '.join(endings)}; or name a folder."
        raise InvalidInput(detail, errors=[FieldError("/to", detail)])
    return Target(to, None)


def write_export(
    target: Target, write: Callable[[BinaryIO], int], *, artifact_id: str | None
) -> Manifest:
    """Let `write` fill the file, which answers with the number of rows; then say so beside it."""
    path = target.path
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path.parent)
    temporary = _beside(path)
    try:
        with _locked(temporary) as file:
            rows = write(file)
            _to_disk(file)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        manifest = Manifest(
            path=str(path),
            rows=rows,
            artifact_id=artifact_id,
            sha256=sha256,
            format=path.suffix.removeprefix("."),
            created_at=datetime.now(UTC).isoformat(),
        )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    beside = path.with_name(f"{path.name}.manifest.json")
    _write_json(beside, {**asdict(manifest), "path": path.name})
    if target.pointer is not None:
        _write_json(target.pointer, {"file": path.name, "manifest": beside.name})
    return manifest


def _write_json(path: Path, document: dict[str, Any]) -> None:
    temporary = _beside(path)
    with _locked(temporary) as file:
        file.write(json.dumps(document, indent=2).encode() + b"\n")
        _to_disk(file)
    temporary.replace(path)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def _locked(path: Path) -> BufferedRandom:
    """The new file, locked as long as it is open, however that ends: so nobody takes it away."""
    while True:
        file = path.open("w+b")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # it was taken for a stale one before it was locked


def _remove_stale(folder: Path) -> None:
    """Remove what exports left that were killed: nobody holds the lock of their files.

    What cannot be removed, such as another user's in a shared folder, is left.
    """
    for path in folder.glob(".*.partial"):
        if not _PARTIAL.fullmatch(path.name):
            continue
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
